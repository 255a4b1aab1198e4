import { z } from "zod";
import { MessageId, ReactionAdded } from "../../domain/conversation/events.ts";
import { Uuid } from "../../domain/ids.ts";
import { isRejection, reject } from "../../domain/rejection.ts";
import { command, unchanged } from "../command.ts";
import { conversation } from "./aggregate.ts";
import { Emoji } from "./emoji.ts";
import { reactable } from "./reactable.ts";

const MOST_KINDS = 20;

export const AddReaction = command({
  name: "AddReaction",
  route: "PUT /api/v1/conversations/:conversationId/messages/:messageId/reactions/:emoji",
  summary: "Reacts to a message.",
  status: 200,
  on: conversation,
  payload: z.strictObject({ conversationId: Uuid, messageId: MessageId, emoji: Emoji }),
  result: z.object({ messageId: MessageId }),
  id: ({ conversationId }) => conversationId,
  needs: ({ messageId }) => ({ messages: [messageId] }),

  decide(state, { messageId, emoji }, by) {
    const message = reactable(state, messageId, by);
    if (isRejection(message)) return message;
    const people = message.reactions.get(emoji);
    const there = people?.get(by.userId);
    if (there !== undefined) return unchanged(there);
    if (!people && message.reactions.size >= MOST_KINDS)
      return reject("conflict", `a message has at most ${MOST_KINDS} kinds of reactions`);
    return [ReactionAdded({ target: messageId, seq: message.seq, emoji, userId: by.userId })];
  },

  answer: (_, { messageId }) => ({ messageId }),
});
