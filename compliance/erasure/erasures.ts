import { setTimeout as pause } from "node:timers/promises";
import { byTenant } from "../../accounts/byTenant.ts";
import type { AccountParts } from "../../accounts/parts.ts";
import type { ComplianceEvent } from "../../domain/compliance/events.ts";
import {
  ErasureBecameFinal,
  ErasureCertified,
  ErasureCompleted,
  ErasureFailed,
  ErasureHeld,
  ErasurePrepared,
  ErasureSinkSwept,
  ErasureTookEffect,
} from "../../domain/compliance/events.ts";
import type { WeekKeys } from "../../infra/ports/secrets.ts";
import { CONFIRMED_FOR_MS } from "../../sealing/erasureLedger.ts";
import { sayInCase } from "../complianceCase.ts";
import type { Certifier } from "./certificate.ts";
import { erasedBeforeId, tellErasedBefore } from "./erasedBefore.ts";
import { closeErasure, dropErasure, type ErasureRow, openErasures } from "./erasureRows.ts";
import { namesToReview } from "./namesToReview.ts";
import { type ErasureStep, nextStep } from "./nextStep.ts";
import { type Erasure, readErasure, statusOf } from "./readErasure.ts";
import type { ErasureSink } from "./sink.ts";

export interface ErasuresParts {
  readonly accounts: AccountParts;
  readonly weekKeys: Pick<WeekKeys, "list">;
  readonly sinks: readonly ErasureSink[];
  /**
   * Destroys the person's secret, and those of the names to redact, unless holds stand in the way: gives their ids. Where the erasure is partial, what they
   * cover is kept for them.
   */
  readonly destroy: (erasure: Erasure) => Promise<readonly string[]>;
  /** Absent where nothing is to be certified. */
  readonly certify?: Certifier;
  /** For how long after a destruction another process may go on opening, in ms. */
  readonly confirmedForMs?: number;
  /** How long after something failed it is tried again, in ms. */
  readonly retryMs?: number;
  /** Told what is tried again. */
  readonly onTrouble: (error: unknown) => void;
}

/** A step came to nothing; the next one is taken when this one worked. */
class StepFailed extends Error {
  override name = "StepFailed";
  readonly step: string;
  constructor(erasure: Erasure, step: string, cause: unknown) {
    super(`${step} of the erasure ${erasure.erasureId} came to nothing`, { cause });
    this.step = step;
  }
}

const TRIES_BEFORE_FAILED = 5;
/** How long until it is looked again at what waits for a hold to be lifted, a checkpoint, a week key. */
const LOOK_AGAIN_MS = 60_000;
/** How often a checkpoint may come. */
const CHECKPOINT_MS = 500;
/** How long whoever carries out an erasure waits for its certificate. */
const CERTIFIED_MS = 5_000;
/** A request that has not come to its event by then never will. */
const REQUEST_MS = 60_000;

/**
 * Carries out erasures. Each step is recorded in the erasure's own stream once it is done, and doing one twice is
 * harmless: so whoever is killed is followed by another who goes on, and several processes may do so at once.
 */
export class Erasures {
  readonly #parts: ErasuresParts;
  readonly #tries = new Map<string, number>();
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  readonly #retryMs: number;
  #started = false;
  #more = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: ErasuresParts) {
    this.#parts = parts;
    this.#retryMs = parts.retryMs ?? 2_000;
  }

  get sinks(): readonly string[] {
    return this.#parts.sinks.map(({ name }) => name);
  }

  /** Goes on with what was left undone, and from then on by itself. */
  start(): void {
    this.#started = true;
    this.wake();
  }

  /** Something may be due: an erasure was asked for, a hold lifted, a week key destroyed. */
  wake(): void {
    this.#more = true;
    if (!this.#started || this.#running || this.#stopping.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#more) this.wake();
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#running;
  }

  /**
   * Carries out one here, until it is done, or held. Its certificate is waited for a little: it takes a server that signs.
   * @param onStep told how far it has come after each step, whoever took it
   * @throws whatever keeps it from that
   */
  async complete(tenant: string, erasureId: string, onStep: (erasure: Erasure) => void = () => {}): Promise<Erasure> {
    let certifiedBy = Number.POSITIVE_INFINITY;
    for (let erasure = await this.#read(tenant, erasureId); ; ) {
      if (statusOf(erasure) === "done") {
        certifiedBy = Math.min(certifiedBy, performance.now() + (this.#parts.certify ? CERTIFIED_MS : 0));
        if (erasure.certificates.completion !== undefined || performance.now() >= certifiedBy) return erasure;
      }
      const { waitMs } = await this.#take(erasure);
      erasure = await this.#read(tenant, erasureId);
      onStep(erasure);
      if (statusOf(erasure) === "held") return erasure;
      if (waitMs !== undefined) await pause(waitMs);
    }
  }

  async #read(tenant: string, erasureId: string): Promise<Erasure> {
    const erasure = await readErasure(this.#parts.accounts.engine, tenant, erasureId);
    if (!erasure) throw new Error(`there is no erasure ${erasureId}`);
    return erasure;
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#more = false;
    const waits = [LOOK_AGAIN_MS];
    try {
      for (const row of await openErasures(this.#parts.accounts.database)) waits.push(await this.#goOn(row));
    } catch (error) {
      waits.push(this.#retryMs);
      this.#parts.onTrouble(error);
    }
    if (!this.#stopping.signal.aborted) this.#timer = setTimeout(() => this.wake(), Math.min(...waits)).unref();
  }

  /** Takes steps until one must wait; gives for how long, in ms. */
  async #goOn(row: ErasureRow): Promise<number> {
    const { accounts, onTrouble } = this.#parts;
    try {
      while (!this.#stopping.signal.aborted) {
        const erasure = await readErasure(accounts.engine, row.tenant, row.erasureId);
        if (!erasure && row.erasureId === erasedBeforeId(row)) {
          await tellErasedBefore(accounts.engine, row);
          continue;
        }
        if (!erasure) return await this.#waitForRequest(row);
        const { waitMs } = await this.#take(erasure);
        if (waitMs !== undefined) return waitMs;
      }
      return LOOK_AGAIN_MS;
    } catch (error) {
      onTrouble(error);
      await this.#countFailure(row, error).catch(onTrouble);
      return this.#retryMs;
    }
  }

  async #waitForRequest({ tenant, erasureId, askedAt }: ErasureRow): Promise<number> {
    const { database, engine } = this.#parts.accounts;
    if (engine.clock.now() - askedAt.getTime() > REQUEST_MS) await dropErasure(database, tenant, erasureId);
    return this.#retryMs;
  }

  async #countFailure({ tenant, erasureId }: ErasureRow, error: unknown): Promise<void> {
    if (!(error instanceof StepFailed)) return;
    const tries = (this.#tries.get(erasureId) ?? 0) + 1;
    this.#tries.set(erasureId, tries);
    if (tries === TRIES_BEFORE_FAILED) await this.#say(tenant, erasureId, ErasureFailed({ sink: error.step }));
  }

  /** Takes the next step. Without `waitMs` another may follow at once. */
  async #take(erasure: Erasure): Promise<{ readonly step: ErasureStep; readonly waitMs?: number }> {
    const { sinks, certify, accounts } = this.#parts;
    const { tenant, erasureId } = erasure;
    const now = accounts.engine.clock.now();
    const step = nextStep(erasure, sinks, now, certify !== undefined);
    if (step.do === "wait") return { step, waitMs: Math.max(1, step.until - now) };
    if (step.do === "close") {
      await closeErasure(accounts.database, tenant, erasureId);
      return { step, waitMs: LOOK_AGAIN_MS };
    }
    const event = await this.#perform(erasure, step).catch((cause: unknown) => {
      throw new StepFailed(erasure, step.do === "sweep" ? step.sink.name : step.do, cause);
    });
    if (!event) return { step, waitMs: step.do === "certify" ? CHECKPOINT_MS : LOOK_AGAIN_MS };
    await this.#say(tenant, erasureId, event);
    this.#tries.delete(erasureId);
    return event.type === "ErasureHeld" ? { step, waitMs: LOOK_AGAIN_MS } : { step };
  }

  /** The event that says it is done; undefined where it is not due yet. */
  async #perform(
    erasure: Erasure,
    step: Exclude<ErasureStep, { readonly do: "wait" | "close" }>,
  ): Promise<ComplianceEvent | undefined> {
    const { accounts, weekKeys } = this.#parts;
    const { tenant, userId, erasureId, redactNames } = erasure;
    switch (step.do) {
      case "prepare":
        return ErasurePrepared({ namesToReview: await namesToReview(accounts, tenant, userId) });
      case "sweep":
        return ErasureSinkSwept({
          sink: step.sink.name,
          items: await step.sink.sweep({ tenant, userId, erasureId, redactNames }),
        });
      case "destroy":
        return this.#destroy(erasure);
      case "complete":
        return ErasureCompleted({});
      case "certify":
        return this.#certify(erasure, step.of);
      case "finalise": {
        const living = new Set((await weekKeys.list(tenant)).map(({ id }) => id));
        if (erasure.weekKeys.some((id) => living.has(id))) return undefined;
        return ErasureBecameFinal({ finalAt: new Date(accounts.engine.clock.now()).toISOString() });
      }
      default:
        return step satisfies never;
    }
  }

  async #destroy(erasure: Erasure): Promise<ComplianceEvent> {
    const { accounts, weekKeys, destroy, confirmedForMs = CONFIRMED_FOR_MS } = this.#parts;
    const holdIds = await destroy(erasure);
    if (holdIds.length > 0) return ErasureHeld({ holdIds: [...holdIds] });
    // Any of those that are there now may wrap it in an old copy; those that come do not.
    const keys = await weekKeys.list(erasure.tenant);
    return ErasureTookEffect({
      effectiveAt: new Date(accounts.engine.clock.now() + confirmedForMs).toISOString(),
      weekKeys: keys.map(({ id }) => id),
    });
  }

  async #certify(erasure: Erasure, of: "completion" | "finality"): Promise<ComplianceEvent | undefined> {
    const certificate = await this.#parts.certify?.(erasure);
    return certificate === undefined ? undefined : ErasureCertified({ of, certificate });
  }

  #say(tenant: string, erasureId: string, event: ComplianceEvent): Promise<void> {
    const { engine } = this.#parts.accounts;
    return sayInCase(engine, erasureId, { ...byTenant(engine, tenant), unnamed: true }, event);
  }
}
