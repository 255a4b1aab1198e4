import type { By } from "../../domain/by.ts";
import type { Conversation } from "../../domain/conversation/conversation.ts";
import { AcknowledgementFellDue, type ConversationEvent, systemMessage } from "../../domain/conversation/events.ts";
import { foldMessage, type Message } from "../../domain/conversation/message.ts";
import { visible } from "../../domain/conversation/visibility.ts";
import { streamId, uuidV5 } from "../../domain/ids.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import { unchanged } from "../command.ts";
import type { Met, Unchanged } from "../engine/deciding.ts";
import type { Engine } from "../engine/engine.ts";
import { noSuchMessage } from "./access.ts";
import { ungatedConversation } from "./aggregate.ts";
import { isGone } from "./owners.ts";

/**
 * Says that the time to acknowledge a message has come, and tells those who are to know who has not. However often and
 * from wherever it is sent, it happens once. A time that has not come, or a message that is gone, is left alone.
 */
export async function escalateOverdue(
  engine: Engine,
  { conversationId, messageId }: { readonly conversationId: string; readonly messageId: string },
  by: By,
): Promise<Rejection | undefined> {
  const stream = streamId(by.tenant, "conversation", conversationId);
  const outcome = await ungatedConversation.mailboxes(engine).send(stream, {
    name: "EscalateOverdue",
    payload: { messageId },
    sender: { ...by, commandId: uuidV5(JSON.stringify(["escalation", stream, messageId])) },
    keyed: true,
    needs: ({ members }) => ({ messages: [messageId], accounts: [...members.keys()] }),
    decide: (state, met) => decideOverdue(state, messageId, { ...by, met, notice: noticeOf(stream, messageId) }),
  });
  return isRejection(outcome) ? outcome : undefined;
}

const noticeOf = (stream: string, messageId: string): string => uuidV5(JSON.stringify(["notice", stream, messageId]));

type Due = Pick<By, "userId" | "now"> & {
  readonly met: Pick<Met<ConversationEvent>, "eventsAbout" | "account">;
  /** The id that the system message will have. */
  readonly notice: string;
};

export function decideOverdue(
  state: Conversation,
  messageId: string,
  { userId, now, met, notice }: Due,
): readonly ConversationEvent[] | Rejection | Unchanged {
  const message = foldMessage(met.eventsAbout(messageId));
  if (!message) return noSuchMessage();
  const { acknowledgement, authorId, seq, deletedAt } = message;
  const isDue = acknowledgement !== undefined && Date.parse(acknowledgement.by) <= now.getTime();
  if (!isDue || deletedAt !== undefined) return unchanged(deletedAt ?? message.sentAt);
  if (acknowledgement.dueAt !== undefined) return unchanged(acknowledgement.dueAt);
  const here = (person: string) => state.members.has(person) && !isGone(met.account(person));
  // Of an erased author nothing is left that anybody could acknowledge.
  const missing = met.account(authorId)?.erased ? [] : missingOf(state, message).filter(here);
  const told = missing.length === 0 ? [] : toldOf(acknowledgement.escalateTo, authorId, here);
  const due = { target: messageId, seq, authorId, missing, told };
  if (told.length === 0) return [AcknowledgementFellDue(due)];
  return [
    systemMessage({
      target: notice,
      seq: state.lastSeq + 1,
      authorId: userId,
      sentAt: now.toISOString(),
      replyTo: messageId,
      mentions: told,
    }),
    AcknowledgementFellDue({ ...due, notice }),
  ];
}

/** Who was there when it was sent, and has not acknowledged it. */
const missingOf = ({ members }: Conversation, { authorId, seq, acknowledged }: Message): string[] =>
  [...members].flatMap(([userId, { memberships }]) =>
    userId !== authorId && !acknowledged.has(userId) && visible(memberships, "joined", seq) ? [userId] : [],
  );

/** Where of those who were to be told nobody is left, its author is: an escalation must reach somebody. */
function toldOf(escalateTo: readonly string[], authorId: string, here: (userId: string) => boolean): string[] {
  const left = escalateTo.filter(here);
  return left.length > 0 || escalateTo.length === 0 ? left : [authorId].filter(here);
}
