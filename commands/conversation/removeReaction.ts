import { z } from "zod";
import { MessageId, ReactionRemoved } from "../../domain/conversation/events.ts";
import { foldMessage, reactionKey } from "../../domain/conversation/message.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { command, unchanged } from "../command.ts";
import { membership, noSuchConversation, noSuchMessage, sees } from "./access.ts";
import { conversation } from "./aggregate.ts";
import { Emoji } from "./emoji.ts";

export const RemoveReaction = command({
  name: "RemoveReaction",
  route: "DELETE /api/v1/conversations/:conversationId/messages/:messageId/reactions/:emoji",
  summary: "Takes one's own reaction back.",
  status: 200,
  on: conversation,
  payload: z.strictObject({ conversationId: Uuid, messageId: MessageId, emoji: Emoji }),
  result: z.object({ messageId: MessageId }),
  id: ({ conversationId }) => conversationId,
  needs: ({ messageId }) => ({ messages: [messageId] }),

  decide(state, { messageId, emoji }, by) {
    const own = membership(state, by);
    if (!own) return noSuchConversation();
    const message = foldMessage(by.met.eventsAbout(messageId));
    if (!message || !sees(state, own.member, message)) return noSuchMessage();
    if (message.deletedAt !== undefined) return reject("gone", "the message was deleted");
    if (!message.reactions.get(emoji)?.has(by.userId))
      return unchanged(message.unreacted.get(reactionKey(emoji, by.userId)) ?? message.sentAt);
    return [ReactionRemoved({ target: messageId, seq: message.seq, emoji, userId: by.userId })];
  },

  answer: (_, { messageId }) => ({ messageId }),
});
