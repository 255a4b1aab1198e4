import { z } from "zod";
import { Placement } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { FourEyesAction } from "../../domain/tenant/events.ts";
import { door } from "../../infra/ports/door.ts";
import { type Looking, lookingBy, writtenDown } from "../access/writtenDown.ts";
import type { ComplianceParts } from "../parts.ts";
import { giveApproval, readApproval, refusedTo } from "./approval.ts";
import { closeApproval, openApprovals } from "./approvalRows.ts";
import { carryOut } from "./carryOut.ts";

const Approved = Placement.extend({ caseId: Uuid, action: FourEyesAction });

/** The second pair of eyes. */
export const Approve = door({
  name: "Approve",
  route: "POST /api/v1/compliance/approvals/:caseId",
  summary: "Approves what another officer asked for; it is carried out then.",
  status: 200,
  access: ["compliance"],
  socket: false,
  audited: true,
  payload: z.strictObject({ caseId: Uuid.describe("As `GET /api/v1/compliance/approvals` lists it.") }),
  result: Approved,

  async run({ caseId }, by, parts: ComplianceParts) {
    const approved = await approve(parts, caseId, by, lookingBy(by));
    return isRejection(approved) ? approved : { body: approved };
  },
});

/**
 * Approves and carries out. Where that is refused for now, by a hold say, or somebody is killed in between, it is carried out
 * by itself later, and approving again does it at once.
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
  const { what, askedBy } = asked;
  // Only then it stands: from there on it is carried out, whoever is killed.
  const refused =
    refusedTo(by, asked) ?? (await writtenDown({ database, engine }, looking, "approve", { ...what, askedBy }));
  if (refused) return refused;
  const given = await giveApproval(engine, caseId, by);
  if (given) return given;
  const rows = (await openApprovals(database, by.tenant)).filter((row) => row.caseId === caseId);
  const done = await carryOut(parts, { ...asked, approvedBy: asked.approvedBy ?? by.userId }, by);
  if (isRejection(done)) return done;
  for (const row of rows) await closeApproval(database, row);
  return { caseId, action: what.action, position: done.position, revision: done.revision };
}
