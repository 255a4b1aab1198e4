import { z } from "zod";
import { accountsOf } from "../../accounts/accountRows.ts";
import { type Engine, Placement } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { ExportRequested, type ExportScope } from "../../domain/compliance/events.ts";
import { createdId, streamId, Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { askApproval } from "../approvals/approval.ts";
import { complianceCase } from "../complianceCase.ts";
import { readHold } from "../holds/listHolds.ts";
import { takesTwo } from "../policies/readPolicies.ts";
import type { ExportParts } from "./parts.ts";

/** Any time of RFC 3339; kept in UTC with milliseconds. */
const Moment = z.iso.datetime({ offset: true }).transform((at) => new Date(at).toISOString());

export const ExportAsked = z
  .strictObject({
    kind: z.enum(["person", "conversation", "matter"]),
    userId: Uuid.optional().describe("Of a person: all that they wrote, and what is known of them."),
    conversationIds: z.array(Uuid).min(1).max(1_000).optional().describe("Of conversations: all that was said there."),
    holdId: Uuid.optional().describe("Of a matter: what this hold preserves."),
    from: Moment.optional().describe("Recorded from then on; what lies before is accounted for by hashes."),
    to: Moment.optional().describe("Recorded until then."),
    format: z.enum(["json", "csv", "eml", "html"]).default("json"),
  })
  .refine(
    ({ kind, userId, conversationIds, holdId }) =>
      (userId !== undefined) === (kind === "person") &&
      (conversationIds !== undefined) === (kind === "conversation") &&
      (holdId !== undefined) === (kind === "matter"),
    "an export of a person takes userId, one of conversations conversationIds, one of a matter holdId, and no other",
  )
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, "it ends before it begins");

export const RequestExport = door({
  name: "RequestExport",
  route: "POST /api/v1/compliance/exports",
  summary:
    "Asks for an export of a person, of conversations, or of what a hold preserves; its archive is fetched then. `waiting`: for a second officer.",
  status: 202,
  access: ["compliance"],
  socket: false,
  payload: ExportAsked,
  result: Placement.extend({ exportId: Uuid, status: z.enum(["ready", "waiting"]) }),

  async run(payload, by, parts: ExportParts) {
    const requested = await requestExport(parts, payload, by);
    return isRejection(requested) ? requested : { body: requested };
  },
});

/** @returns the export's id, and where its event stands: that it may be fetched, or that it waits to be approved */
export async function requestExport(
  parts: ExportParts,
  asked: z.output<typeof ExportAsked>,
  by: By,
): Promise<
  (z.output<typeof Placement> & { readonly exportId: string; readonly status: "ready" | "waiting" }) | Rejection
> {
  const { engine } = parts.accounts;
  const { tenant } = by;
  const commandId = by.key ?? engine.newId();
  const exportId = createdId("export", tenant, by.userId, commandId);
  if ((await engine.log.revision(streamId(tenant, "compliance", exportId))) < 0) {
    const refused = await refusal(parts, tenant, asked);
    if (refused) return refused;
    if (await takesTwo(engine.log, tenant, "export")) {
      const what = { action: "export" as const, caseId: exportId, scope: asked };
      const waits = await askApproval(parts.accounts, { what, reason: null, commandId }, by);
      return isRejection(waits) ? waits : { exportId, status: "waiting", ...waits };
    }
  }
  const begun = await beginExport(engine, { exportId, scope: asked, commandId }, by);
  return isRejection(begun) ? begun : { exportId, status: "ready", ...begun };
}

/** @param by who asked for it */
export async function beginExport(
  engine: Engine,
  {
    exportId,
    scope,
    commandId,
  }: { readonly exportId: string; readonly scope: ExportScope; readonly commandId: string },
  by: By,
): Promise<z.output<typeof Placement> | Rejection> {
  const outcome = await complianceCase.mailboxes(engine).send(streamId(by.tenant, "compliance", exportId), {
    name: "RequestExport",
    payload: scope,
    sender: { ...by, commandId },
    keyed: true,
    needs: () => undefined,
    decide: ({ kind }) =>
      kind === "none"
        ? [ExportRequested({ exportId, ...scope })]
        : reject("conflict", "the key was used for something else"),
  });
  if (isRejection(outcome)) return outcome;
  return { position: outcome.position, revision: outcome.revision };
}

async function refusal(
  { accounts }: ExportParts,
  tenant: string,
  { userId, conversationIds = [], holdId }: ExportScope,
): Promise<Rejection | undefined> {
  const { engine, database } = accounts;
  if (userId !== undefined && !(await accountsOf(database, tenant, [userId])).has(userId))
    return reject("not-found", "no such account");
  for (const id of conversationIds)
    if ((await engine.log.revision(streamId(tenant, "conversation", id))) < 0)
      return reject("not-found", `no such conversation: ${id}`);
  if (holdId === undefined) return undefined;
  const hold = await readHold(accounts, tenant, holdId);
  return hold && !hold.lifted ? undefined : reject("not-found", "no such hold");
}
