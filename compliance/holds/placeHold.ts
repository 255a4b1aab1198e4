import { z } from "zod";
import { accountsOf } from "../../accounts/accountRows.ts";
import { Placement } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { HoldPlaced } from "../../domain/compliance/events.ts";
import { createdId, streamId, Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { complianceCase } from "../complianceCase.ts";
import type { ComplianceParts } from "../parts.ts";
import { Reason } from "../reason.ts";
import { scopeDays } from "./scopeDays.ts";

/** Any time of RFC 3339; kept in UTC with milliseconds. */
const Moment = z.iso.datetime({ offset: true }).transform((at) => new Date(at).toISOString());

export const HoldAsked = z
  .strictObject({
    conversationId: Uuid.optional(),
    userId: Uuid.optional(),
    from: Moment.optional(),
    to: Moment.optional(),
    reason: Reason,
  })
  .refine(({ conversationId, userId }) => conversationId ?? userId, "a hold is on a conversation, a person, or both")
  .refine(({ from, to }) => from === undefined || to === undefined || from <= to, "it ends before it begins");

export const PlaceHold = door({
  name: "PlaceHold",
  route: "POST /api/v1/compliance/holds",
  summary: "Preserves what lies in a scope, whatever is erased or retired later; times are those of recording.",
  status: 201,
  access: ["compliance"],
  socket: false,
  payload: HoldAsked,
  result: Placement.extend({ holdId: Uuid }),

  async run(payload, by, parts: ComplianceParts) {
    const placed = await placeHold(parts, payload, by);
    return isRejection(placed) ? placed : { body: placed };
  },
});

/**
 * The hold counts before the log tells of it, so that what the log says is never more than what is so.
 * @returns its id, and where its event stands
 */
export async function placeHold(
  { accounts, holds }: ComplianceParts,
  { reason, ...scope }: z.output<typeof HoldAsked>,
  by: By,
): Promise<(z.output<typeof Placement> & { holdId: string }) | Rejection> {
  const { engine } = accounts;
  const { tenant } = by;
  const commandId = by.key ?? engine.newId();
  const holdId = createdId("hold", tenant, by.userId, commandId);
  const stream = streamId(tenant, "compliance", holdId);
  if ((await engine.log.revision(stream)) < 0) {
    const refused = await refusal(accounts, tenant, scope);
    if (refused) return refused;
    const { conversationId = null, userId = null } = scope;
    await holds.place({ tenant, holdId, conversationId, userId, ...scopeDays(scope) });
  }
  const outcome = await complianceCase.mailboxes(engine).send(stream, {
    name: "PlaceHold",
    payload: { reason, ...scope },
    sender: { ...by, commandId },
    keyed: by.key !== undefined,
    needs: () => undefined,
    decide: ({ kind }) =>
      kind === "none"
        ? [HoldPlaced({ holdId, ...scope }, { reason, placedBy: by.userId })]
        : reject("conflict", "the key was used for something else"),
  });
  if (isRejection(outcome)) return outcome;
  return { holdId, position: outcome.position, revision: outcome.revision };
}

async function refusal(
  { engine, database }: ComplianceParts["accounts"],
  tenant: string,
  { conversationId, userId }: { readonly conversationId?: string | undefined; readonly userId?: string | undefined },
): Promise<Rejection | undefined> {
  if (conversationId !== undefined && (await engine.log.revision(streamId(tenant, "conversation", conversationId))) < 0)
    return reject("not-found", "no such conversation");
  if (userId !== undefined && !(await accountsOf(database, tenant, [userId])).has(userId))
    return reject("not-found", "no such account");
  return undefined;
}
