import { z } from "zod";
import { Placement, unchanged } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { HoldLifted } from "../../domain/compliance/events.ts";
import { streamId, Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { complianceCase } from "../complianceCase.ts";
import type { ComplianceParts } from "../parts.ts";

export const LiftHold = door({
  name: "LiftHold",
  route: "DELETE /api/v1/compliance/holds/:holdId",
  summary: "Lifts a hold: what it alone kept is gone, and erasures that it held go on.",
  status: 200,
  access: ["compliance"],
  socket: false,
  payload: z.strictObject({ holdId: Uuid }),
  result: Placement,

  async run({ holdId }, by, parts: ComplianceParts) {
    const lifted = await liftHold(parts, holdId, by);
    return isRejection(lifted) ? lifted : { body: lifted };
  },
});

/** Told in the log first: whoever is killed in between lifts it again, and what was kept goes then. */
export async function liftHold(
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
