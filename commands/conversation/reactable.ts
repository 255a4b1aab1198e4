import type { Conversation } from "../../domain/conversation/conversation.ts";
import type { ConversationEvent } from "../../domain/conversation/events.ts";
import { foldMessage, type Message } from "../../domain/conversation/message.ts";
import { type Rejection, reject } from "../../domain/rejection.ts";
import type { Met, Sender } from "../engine/deciding.ts";
import { membership, noSuchConversation, noSuchMessage, sees } from "./access.ts";

/** The message, where its sender may react to it. */
export function reactable(
  state: Conversation,
  messageId: string,
  by: Sender & { readonly met: Met<ConversationEvent> },
): Message | Rejection {
  const own = membership(state, by);
  if (!own) return noSuchConversation();
  const message = foldMessage(by.met.eventsAbout(messageId));
  if (!message || !sees(state, own.member, message)) return noSuchMessage();
  return message.deletedAt === undefined ? message : reject("gone", "the message was deleted");
}
