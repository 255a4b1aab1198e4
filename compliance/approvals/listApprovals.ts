import { z } from "zod";
import { ToApprove } from "../../domain/compliance/events.ts";
import { Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { type Looking, lookingBy, writtenDown } from "../access/writtenDown.ts";
import type { ComplianceParts } from "../parts.ts";
import { readApproval, standingOf } from "./approval.ts";
import { openApprovals } from "./approvalRows.ts";

const At = z.iso.datetime({ precision: 3 });
const Waiting = z.strictObject({
  caseId: Uuid,
  status: z.enum(["waiting", "approved"]).describe("`approved`: something stands in its way, such as a hold."),
  what: ToApprove,
  askedBy: Uuid,
  askedAt: At,
  expiresAt: At,
  reason: z.string().nullable(),
});
export type WaitingApproval = z.output<typeof Waiting>;

export const ListApprovals = door({
  name: "ListApprovals",
  route: "GET /api/v1/compliance/approvals",
  summary: "What waits for a second officer, in the order in which it was asked for.",
  status: 200,
  access: ["compliance", "auditor"],
  socket: false,
  audited: true,
  payload: z.strictObject({}),
  result: z.strictObject({ items: z.array(Waiting) }),

  async run(_, by, parts: ComplianceParts) {
    const items = await waitingApprovals(parts, lookingBy(by));
    return isRejection(items) ? items : { body: { items } };
  },
});

export async function waitingApprovals(
  { accounts: { engine, database } }: ComplianceParts,
  looking: Looking,
): Promise<WaitingApproval[] | Rejection> {
  const { tenant } = looking;
  const refused = await writtenDown({ database, engine }, looking, "list-approvals", {});
  if (refused) return refused;
  const waiting: WaitingApproval[] = [];
  for (const { caseId } of await openApprovals(database, tenant)) {
    const approval = await readApproval(engine, tenant, caseId);
    const status = approval && standingOf(approval, engine.clock.now());
    if (!approval || !status || status === "lapsed") continue;
    const { what, askedBy, askedAt, expiresAt, reason } = approval;
    const [asked, expires] = [new Date(askedAt).toISOString(), new Date(expiresAt).toISOString()];
    waiting.push({ caseId, status, what, askedBy, askedAt: asked, expiresAt: expires, reason });
  }
  return waiting;
}
