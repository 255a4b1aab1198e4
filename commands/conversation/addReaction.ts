import { z } from "zod";
import { MessageId, ReactionAdded } from "../../domain/conversation/events.ts";
import { foldMessage } from "../../domain/conversation/message.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { command, unchanged } from "../command.ts";
import { membership, noSuchConversation, noSuchMessage, sees } from "./access.ts";
import { conversation } from "./aggregate.ts";
import { Emoji } from "./emoji.ts";

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
    const own = membership(state, by);
    if (!own) return noSuchConversation();
    const message = foldMessage(by.met.eventsAbout(messageId));
    if (!message || !sees(state, own.member, message)) return noSuchMessage();
    if (message.deletedAt !== undefined) return reject("gone", "the message was deleted");
    const people = message.reactions.get(emoji);
    const there = people?.get(by.userId);
    if (there !== undefined) return unchanged(there);
    if (!people && message.reactions.size >= MOST_KINDS)
      return reject("conflict", `a message has at most ${MOST_KINDS} kinds of reactions`);
    return [ReactionAdded({ target: messageId, seq: message.seq, emoji, userId: by.userId })];
  },

  answer: (_, { messageId }) => ({ messageId }),
});
