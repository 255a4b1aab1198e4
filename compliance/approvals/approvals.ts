import { byTenant } from "../../accounts/byTenant.ts";
import { isRejection, type RejectionCode } from "../../domain/rejection.ts";
import type { ComplianceParts } from "../parts.ts";
import { readApproval, standingOf } from "./approval.ts";
import { type ApprovalRow, closeApproval, openApprovals } from "./approvalRows.ts";
import { carryOut } from "./carryOut.ts";

interface ApprovalsParts {
  readonly compliance: ComplianceParts;
  /** Told what is tried again. */
  readonly onTrouble: (error: unknown) => void;
}

const LOOK_EVERY_MS = 60_000;
/** A request that has not come to its event by then never will. */
const REQUEST_MS = 60_000;
/** What stands in the way for now; any other refusal is for good. */
const forNow: ReadonlySet<RejectionCode> = new Set(["held", "unavailable", "projection-behind"]);

/**
 * Carries out what was approved and is not carried out yet: whoever approved was killed before that was done, or a hold stood
 * in the way. What is left to do follows from the log, so any number of processes may do it.
 */
export class Approvals {
  readonly #parts: ApprovalsParts;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: ApprovalsParts) {
    this.#parts = parts;
  }

  /** Begins with what was left undone. */
  start(): void {
    if (this.#stopped) return;
    this.#running = this.goOn()
      .catch(this.#parts.onTrouble)
      .finally(() => {
        if (!this.#stopped) this.#timer = setTimeout(() => this.start(), LOOK_EVERY_MS).unref();
      });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Looks at each once. */
  async goOn(): Promise<void> {
    for (const row of await openApprovals(this.#parts.compliance.accounts.database))
      if (!this.#stopped && (await this.#isOver(row).catch(this.#parts.onTrouble)))
        await closeApproval(this.#parts.compliance.accounts.database, row);
  }

  /** Whether nothing is left to do. */
  async #isOver({ tenant, caseId, askedAt }: ApprovalRow): Promise<boolean> {
    const { compliance } = this.#parts;
    const { engine } = compliance.accounts;
    const now = engine.clock.now();
    const approval = await readApproval(engine, tenant, caseId);
    if (!approval) return now - askedAt.getTime() > REQUEST_MS;
    const standing = standingOf(approval, now);
    if (standing !== "approved") return standing === "lapsed";
    const done = await carryOut(compliance, approval, byTenant(engine, tenant));
    return !isRejection(done) || !forNow.has(done.rejected);
  }
}
