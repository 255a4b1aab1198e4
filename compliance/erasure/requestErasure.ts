import { z } from "zod";
import { accountsOf, hasOtherAdmin, isAdmin } from "../../accounts/accountRows.ts";
import { Placement } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { createdId, streamId, Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { askApproval } from "../approvals/approval.ts";
import type { ComplianceParts } from "../parts.ts";
import { takesTwo } from "../policies/readPolicies.ts";
import { Reason } from "../reason.ts";
import { streamsOf } from "./destroyPerson.ts";
import { isNoted, noteErasure } from "./erasureRows.ts";
import { holdsOverName, isGroup } from "./redactName.ts";
import { sayRequested } from "./sayRequested.ts";

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
  result: Placement.extend({
    erasureId: Uuid,
    status: z.enum(["running", "waiting"]).describe("`waiting`: for a second officer."),
  }),

  async run(payload, by, parts: ComplianceParts) {
    const requested = await requestErasure(parts, payload, by);
    return isRejection(requested) ? requested : { body: requested };
  },
});

type Parts = Pick<ComplianceParts, "accounts" | "erasures" | "holds">;
type Begun = z.output<typeof Placement> & { readonly erasureId: string };

/** @returns the erasure's id, and where its first event stands: that it is carried out, or that it waits to be approved */
export async function requestErasure(
  parts: Parts,
  { userId, reason, partial, redactNames }: z.output<typeof Payload>,
  by: By,
): Promise<(Begun & { readonly status: "running" | "waiting" }) | Rejection> {
  const { engine } = parts.accounts;
  const commandId = by.key ?? engine.newId();
  const erasureId = createdId("erasure", by.tenant, by.userId, commandId);
  const toErase = { userId, ...(partial ? { partial: true as const } : {}), ...(redactNames ? { redactNames } : {}) };
  const isNew = (await engine.log.revision(streamId(by.tenant, "compliance", erasureId))) < 0;
  if (isNew && (await takesTwo(engine.log, by.tenant, "erase"))) {
    const refused = await refusal(parts, toErase, by.tenant);
    if (refused) return refused;
    const what = { action: "erase" as const, caseId: erasureId, ...toErase };
    const asked = await askApproval(parts.accounts, { what, reason, commandId }, by);
    return isRejection(asked) ? asked : { erasureId, status: "waiting", ...asked };
  }
  const begun = await beginErasure(parts, { ...toErase, reason, erasureId, commandId }, by);
  return isRejection(begun) ? begun : { ...begun, status: "running" };
}

interface ToErase {
  readonly userId: string;
  readonly partial?: true | undefined;
  readonly redactNames?: readonly string[] | undefined;
}

/** @param by who asked for it */
export async function beginErasure(
  parts: Parts,
  asked: ToErase & { readonly reason: string; readonly erasureId: string; readonly commandId: string },
  by: By,
): Promise<Begun | Rejection> {
  const { engine, database } = parts.accounts;
  const { tenant } = by;
  const { userId, partial, reason, erasureId, commandId } = asked;
  const stream = streamId(tenant, "compliance", erasureId);
  const names = namesOf(asked);
  const isRetry = (await engine.log.revision(stream)) >= 0;
  if (!isRetry) {
    const refused = await refusal(parts, asked, tenant);
    if (refused) return refused;
    await noteErasure(database, { tenant, erasureId, userId, askedAt: by.now });
  }
  const requested = { erasureId, commandId, userId, reason, partial, redactNames: names };
  const outcome = await sayRequested(engine, requested, by);
  if (isRejection(outcome)) return outcome;
  parts.erasures.wake();
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

const namesOf = ({ redactNames }: ToErase): string[] => [...new Set(redactNames)].sort();

async function refusal({ accounts, holds }: Parts, asked: ToErase, tenant: string): Promise<Rejection | undefined> {
  const { userId, partial } = asked;
  const unable = await refusalOf(accounts, tenant, userId);
  if (unable) return unable;
  const names = namesOf(asked);
  for (const conversationId of names)
    if (!(await isGroup(accounts.engine, tenant, conversationId)))
      return reject("not-found", `no such group: ${conversationId}`);
  const over = partial ? [] : await holdsOver(accounts, holds, tenant, userId, names);
  if (isRejection(over)) return over;
  return over.length > 0 ? reject("held", `holds stand in the way: ${over.join(", ")}`) : undefined;
}

async function refusalOf(
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
