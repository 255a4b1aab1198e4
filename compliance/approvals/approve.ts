import { z } from "zod";
import { Placement } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { type Looking, lookingBy, writtenDown } from "../access/writtenDown.ts";
import { beginErasure } from "../erasure/requestErasure.ts";
import { carryOutLift } from "../holds/liftHold.ts";
import type { ComplianceParts } from "../parts.ts";
import { giveApproval, readApproval } from "./approval.ts";

const Approved = Placement.extend({ caseId: Uuid, action: z.enum(["erase", "lift-hold"]) });

/** The second pair of eyes. */
export const Approve = door({
  name: "Approve",
  route: "POST /api/v1/compliance/approvals/:caseId",
  summary: "Approves an erasure, or the lifting of a hold, that another officer asked for; it is carried out then.",
  status: 200,
  access: ["compliance"],
  socket: false,
  audited: true,
  payload: z.strictObject({ caseId: Uuid.describe("Of the erasure, or of the hold.") }),
  result: Approved,

  async run({ caseId }, by, parts: ComplianceParts) {
    const approved = await approve(parts, caseId, by, lookingBy(by));
    return isRejection(approved) ? approved : { body: approved };
  },
});

/**
 * Approves and carries out. Where that is refused, by a hold say, or somebody is killed in between, approving again carries
 * it out.
 */
export async function approve(
  parts: ComplianceParts,
  caseId: string,
  by: By,
  looking: Looking,
): Promise<z.output<typeof Approved> | Rejection> {
  const { engine, database } = parts.accounts;
  const asked = await readApproval(engine, by.tenant, caseId);
  if (!asked) return reject("not-found", "nothing of this id waits for approval");
  const { what, askedBy, commandId, reason } = asked;
  const given = await giveApproval(engine, caseId, by);
  if (given) return given;
  const refused = await writtenDown({ database, engine }, looking, "approve", { ...what, askedBy });
  if (refused) return refused;
  const done =
    what.action === "erase"
      ? await beginErasure(
          parts,
          { ...what, erasureId: caseId, commandId, reason: reason ?? "" },
          { ...by, userId: askedBy },
        )
      : await carryOutLift(parts, caseId, by);
  if (isRejection(done)) return done;
  return { caseId, action: what.action, position: done.position, revision: done.revision };
}
