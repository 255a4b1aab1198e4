import { z } from "zod";
import { byTenant } from "../../accounts/byTenant.ts";
import { ungatedConversation } from "../../commands/conversation/aggregate.ts";
import { Placement } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { BreakGlassOpened } from "../../domain/compliance/events.ts";
import { MessageSent } from "../../domain/conversation/events.ts";
import { only } from "../../domain/event.ts";
import { streamId, Uuid, uuidV5 } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { lookingBy, writtenDown } from "../access/writtenDown.ts";
import { complianceCase } from "../complianceCase.ts";
import type { ComplianceParts } from "../parts.ts";
import { Reason } from "../reason.ts";
import { grantIdOf } from "./grant.ts";

const MOST_MINUTES = 480;
const MINUTE_MS = 60_000;

const Payload = z.strictObject({
  conversationId: Uuid,
  reason: Reason,
  minutes: z.int().min(1).max(MOST_MINUTES),
});

export const OpenBreakGlass = door({
  name: "OpenBreakGlass",
  route: "POST /api/v1/compliance/break-glass",
  summary:
    "Opens a conversation to be read in an emergency, at once and for so many minutes. Its members are told by a message of " +
    "the kind `system`, the officers by the log of accesses, where all that is seen is written down.",
  status: 200,
  access: ["break-glass"],
  limit: "search",
  socket: false,
  payload: Payload,
  result: Placement.extend({ grantId: Uuid, messageId: Uuid, until: z.iso.datetime({ precision: 3 }) }),

  async run(payload, by, parts: ComplianceParts) {
    const opened = await openBreakGlass(parts, payload, by);
    return isRejection(opened) ? opened : { body: opened };
  },
});

/** First it is written down, then members are told, then it opens: whoever is killed in between has seen nothing. */
async function openBreakGlass(
  parts: ComplianceParts,
  { conversationId, reason, minutes }: z.output<typeof Payload>,
  by: By,
): Promise<(z.output<typeof Placement> & { grantId: string; messageId: string; until: string }) | Rejection> {
  const { engine, database } = parts.accounts;
  const { tenant, userId } = by;
  if ((await engine.log.revision(streamId(tenant, "conversation", conversationId))) < 0)
    return reject("not-found", "there was no such conversation");
  const grantId = grantIdOf(tenant, conversationId, userId);
  const commandId = by.key ?? engine.newId();
  const looking = { ...lookingBy(by), purpose: reason };
  const about = { conversationId, grantId, minutes };
  const refused = await writtenDown({ database, engine }, looking, "break-glass", about);
  if (refused) return refused;
  parts.onBreakGlass({ tenant, grantId });

  const told = await tellMembers(parts, { conversationId, minutes, grantId, commandId }, by);
  if (isRejection(told)) return told;
  const { messageId, until } = told;
  const outcome = await complianceCase.mailboxes(engine).send(streamId(tenant, "compliance", grantId), {
    name: "OpenBreakGlass",
    payload: { conversationId, reason, minutes },
    sender: { ...by, commandId },
    keyed: by.key !== undefined,
    needs: () => undefined,
    decide: () => [BreakGlassOpened({ grantId, conversationId, userId, until, messageId }, { reason })],
  });
  if (isRejection(outcome)) return outcome;
  return { grantId, messageId, until, position: outcome.position, revision: outcome.revision };
}

interface ToTell {
  readonly conversationId: string;
  readonly minutes: number;
  readonly grantId: string;
  readonly commandId: string;
}

/** A message in the name of whoever reads, by the server's hand: every client shows it. Sent twice, it is one. */
async function tellMembers(
  { accounts: { engine } }: ComplianceParts,
  { conversationId, minutes, grantId, commandId }: ToTell,
  { tenant, userId, now }: By,
): Promise<{ messageId: string; until: string } | Rejection> {
  const messageId = uuidV5(JSON.stringify(["break-glass-told", grantId, commandId]));
  const until = (since: string) => new Date(Date.parse(since) + minutes * MINUTE_MS).toISOString();
  const outcome = await ungatedConversation.mailboxes(engine).send(streamId(tenant, "conversation", conversationId), {
    name: "TellOfBreakGlass",
    payload: { grantId, minutes },
    sender: { ...byTenant(engine, tenant), commandId: messageId },
    keyed: true,
    needs: () => undefined,
    decide(state) {
      const sentAt = now.toISOString();
      const facts = { target: messageId, seq: state.lastSeq + 1, authorId: userId, kind: "system" as const, sentAt };
      return [MessageSent(facts, { text: toldIn(until(sentAt)) })];
    },
  });
  if (isRejection(outcome)) return outcome;
  return { messageId, until: until(only(outcome.events, "MessageSent").data.sentAt) };
}

const toldIn = (until: string): string =>
  `Emergency access: who sends this can read this conversation until ${until}. The compliance officers are told, and every reading is logged.`;
