import { z } from "zod";
import { accountsOf, hasOtherAdmin, isAdmin } from "../../accounts/accountRows.ts";
import { Placement } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { ErasureRequested } from "../../domain/compliance/events.ts";
import { createdId, streamId, Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { complianceCase } from "../complianceCase.ts";
import type { ComplianceParts } from "../parts.ts";
import { Reason } from "../reason.ts";
import { streamsOf } from "./destroyPerson.ts";
import { isNoted, noteErasure } from "./erasureRows.ts";
import { holdsOverName, isGroup } from "./redactName.ts";

const MOST_NAMES = 200;
const Payload = z.strictObject({
  userId: Uuid,
  reason: Reason,
  partial: z.boolean().optional(),
  redactNames: z
    .array(Uuid)
    .max(MOST_NAMES)
    .optional()
    .describe("Groups whose names of now and before become unreadable for ever, for everybody."),
});

/** Asks for the erasure of a person: answered once it is certain to be carried out. */
export const RequestErasure = door({
  name: "RequestErasure",
  route: "POST /api/v1/compliance/erasures",
  summary:
    "Erases a person: all that they wrote becomes unreadable, for ever. Asked for once, it is carried out by itself.",
  status: 202,
  access: ["compliance"],
  socket: false,
  payload: Payload,
  result: Placement.extend({ erasureId: Uuid, status: z.literal("running") }),

  async run(payload, by, parts: ComplianceParts) {
    const requested = await requestErasure(parts, payload, by);
    return isRejection(requested) ? requested : { body: { ...requested, status: "running" as const } };
  },
});

/** @returns the erasure's id, and where its first event stands */
export async function requestErasure(
  { accounts, erasures, holds }: Pick<ComplianceParts, "accounts" | "erasures" | "holds">,
  { userId, reason, partial, redactNames }: z.output<typeof Payload>,
  by: By,
): Promise<(z.output<typeof Placement> & { erasureId: string }) | Rejection> {
  const { engine, database } = accounts;
  const { tenant } = by;
  const commandId = by.key ?? engine.newId();
  const erasureId = createdId("erasure", tenant, by.userId, commandId);
  const stream = streamId(tenant, "compliance", erasureId);
  const names = [...new Set(redactNames)].sort();
  const isRetry = (await engine.log.revision(stream)) >= 0;
  if (!isRetry) {
    const refused = await refusal(accounts, tenant, userId);
    if (refused) return refused;
    for (const conversationId of names)
      if (!(await isGroup(engine, tenant, conversationId)))
        return reject("not-found", `no such group: ${conversationId}`);
    const over = partial ? [] : await holdsOver(accounts, holds, tenant, userId, names);
    if (isRejection(over)) return over;
    if (over.length > 0) return reject("held", `holds stand in the way: ${over.join(", ")}`);
    await noteErasure(database, { tenant, erasureId, userId, askedAt: by.now });
  }
  const outcome = await complianceCase.mailboxes(engine).send(stream, {
    name: "RequestErasure",
    payload: { userId, reason, partial: partial ?? false, ...(names.length > 0 ? { redactNames: names } : {}) },
    sender: { ...by, commandId, unnamed: true },
    keyed: by.key !== undefined,
    needs: () => undefined,
    decide: ({ kind }) =>
      kind === "none"
        ? [
            ErasureRequested(
              {
                erasureId,
                userId,
                ...(partial ? { partial } : {}),
                ...(names.length > 0 ? { redactNames: names } : {}),
              },
              { reason, requestedBy: by.userId },
            ),
          ]
        : reject("conflict", "the key was used for something else"),
  });
  if (isRejection(outcome)) return outcome;
  erasures.wake();
  return { erasureId, position: outcome.position, revision: outcome.revision };
}

async function holdsOver(
  accounts: ComplianceParts["accounts"],
  holds: ComplianceParts["holds"],
  tenant: string,
  userId: string,
  names: readonly string[],
): Promise<readonly string[] | Rejection> {
  const over = new Set<string>();
  for (const id of names) for (const hold of await holdsOverName(holds, tenant, id)) over.add(hold);
  if ((await holds.over(tenant, userId)).length === 0) return [...over];
  if (!(await accounts.people.settled()))
    return reject("projection-behind", "what was written is not read yet: ask again");
  for (const hold of await holds.over(tenant, userId, await streamsOf(accounts, tenant, userId))) over.add(hold);
  return [...over];
}

async function refusal(
  { database }: ComplianceParts["accounts"],
  tenant: string,
  userId: string,
): Promise<Rejection | undefined> {
  const account = (await accountsOf(database, tenant, [userId])).get(userId);
  if (!account) return reject("not-found", "no such account");
  if (await isNoted(database, tenant, userId))
    return reject("conflict", "this person is erased, or is being erased, already");
  if ((await isAdmin(database, tenant, userId)) && !(await hasOtherAdmin(database, tenant, userId)))
    return reject("conflict", "the last administrator stays one: appoint another first");
  return undefined;
}
