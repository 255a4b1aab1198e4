import { z } from "zod";
import { MessageDeleted, MessageId } from "../../domain/conversation/events.ts";
import { foldMessage } from "../../domain/conversation/message.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { command, unchanged } from "../command.ts";
import { governs, membership, noSuchConversation, noSuchMessage, sees } from "./access.ts";
import { conversation } from "./aggregate.ts";

export const DeleteMessage = command({
  name: "DeleteMessage",
  route: "DELETE /api/v1/conversations/:conversationId/messages/:messageId",
  summary: "Leaves a tombstone in place of a message.",
  status: 200,
  on: conversation,
  payload: z.strictObject({ conversationId: Uuid, messageId: MessageId }),
  result: z.object({ messageId: MessageId }),
  id: ({ conversationId }) => conversationId,
  needs: ({ messageId }) => ({ messages: [messageId] }),

  decide(state, { messageId }, by) {
    const own = membership(state, by);
    if (!own) return noSuchConversation();
    const message = foldMessage(by.met.eventsAbout(messageId));
    if (!message || !sees(state, own.member, message)) return noSuchMessage();
    if (message.authorId !== by.userId && !governs(own.role))
      return reject("forbidden", "only its author, owners and admins delete a message");
    if (message.deletedAt !== undefined) return unchanged(message.deletedAt);
    const { seq, authorId, threadRoot } = message;
    return [MessageDeleted({ target: messageId, seq, authorId, ...(threadRoot === undefined ? {} : { threadRoot }) })];
  },

  answer: (_, { messageId }) => ({ messageId }),
});
