import { z } from "zod";
import { Placement, unchanged } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { HoldLifted } from "../../domain/compliance/events.ts";
import { streamId, Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { askApproval } from "../approvals/approval.ts";
import { complianceCase } from "../complianceCase.ts";
import type { ComplianceParts } from "../parts.ts";
import { takesTwo } from "../policies/readPolicies.ts";

export const LiftHold = door({
  name: "LiftHold",
  route: "DELETE /api/v1/compliance/holds/:holdId",
  summary: "Lifts a hold: what it alone kept is gone, and erasures that it held go on.",
  status: 200,
  access: ["compliance"],
  socket: false,
  audited: true,
  payload: z.strictObject({ holdId: Uuid }),
  result: Placement.extend({
    status: z.enum(["lifted", "waiting"]).describe("`waiting`: for a second officer, with 202."),
  }),

  async run({ holdId }, by, parts: ComplianceParts) {
    const lifted = await liftHold(parts, holdId, by);
    if (isRejection(lifted)) return lifted;
    return lifted.status === "waiting" ? { body: lifted, status: 202 } : { body: lifted };
  },
});

/** Lifts it, or lets that wait to be approved, as the tenant's policy says. */
export async function liftHold(
  parts: ComplianceParts,
  holdId: string,
  by: By,
): Promise<(z.output<typeof Placement> & { readonly status: "lifted" | "waiting" }) | Rejection> {
  const { engine } = parts.accounts;
  const stands = (await parts.holds.list(by.tenant)).some((hold) => hold.holdId === holdId);
  if (stands && (await takesTwo(engine.log, by.tenant, "lift-hold"))) {
    const what = { action: "lift-hold" as const, caseId: holdId };
    const commandId = by.key ?? engine.newId();
    const asked = await askApproval(parts.accounts, { what, reason: null, commandId }, by);
    return isRejection(asked) ? asked : { ...asked, status: "waiting" };
  }
  const lifted = await carryOutLift(parts, holdId, by);
  return isRejection(lifted) ? lifted : { ...lifted, status: "lifted" };
}

/** Told in the log first: whoever is killed in between lifts it again, and what was kept goes then. */
export async function carryOutLift(
  { accounts: { engine }, holds, erasures }: ComplianceParts,
  holdId: string,
  by: By,
): Promise<z.output<typeof Placement> | Rejection> {
  const outcome = await complianceCase.mailboxes(engine).send(streamId(by.tenant, "compliance", holdId), {
    name: "LiftHold",
    payload: { holdId },
    sender: { ...by, commandId: by.key ?? engine.newId() },
    keyed: by.key !== undefined,
    needs: () => undefined,
    decide({ kind, done }) {
      if (kind !== "hold") return reject("not-found", "no such hold");
      const lifted = done.get("HoldLifted");
      return lifted === undefined ? [HoldLifted({})] : unchanged(lifted);
    },
  });
  // One that was placed and never came to be told of goes, too.
  if (isRejection(outcome) && outcome.rejected !== "not-found") return outcome;
  await holds.lift(by.tenant, holdId);
  erasures.wake();
  if (isRejection(outcome)) return outcome;
  return { position: outcome.position, revision: outcome.revision };
}
