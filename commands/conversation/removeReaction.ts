import { z } from "zod";
import { MessageId, ReactionRemoved } from "../../domain/conversation/events.ts";
import { reactionKey } from "../../domain/conversation/message.ts";
import { Uuid } from "../../domain/ids.ts";
import { isRejection } from "../../domain/rejection.ts";
import { command, unchanged } from "../command.ts";
import { conversation } from "./aggregate.ts";
import { Emoji } from "./emoji.ts";
import { reactable } from "./reactable.ts";

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
    const message = reactable(state, messageId, by);
    if (isRejection(message)) return message;
    if (!message.reactions.get(emoji)?.has(by.userId))
      return unchanged(message.unreacted.get(reactionKey(emoji, by.userId)) ?? message.sentAt);
    return [ReactionRemoved({ target: messageId, seq: message.seq, emoji, userId: by.userId })];
  },

  answer: (_, { messageId }) => ({ messageId }),
});
