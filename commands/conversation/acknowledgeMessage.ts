import { z } from "zod";
import { MessageAcknowledged, MessageId } from "../../domain/conversation/events.ts";
import { Uuid } from "../../domain/ids.ts";
import { isRejection, reject } from "../../domain/rejection.ts";
import { command, unchanged } from "../command.ts";
import { conversation } from "./aggregate.ts";
import { reactable } from "./reactable.ts";

export const AcknowledgeMessage = command({
  name: "AcknowledgeMessage",
  route: "POST /api/v1/conversations/:conversationId/messages/:messageId/ack",
  summary: "Acknowledges a message that was sent with `ackBy`; after that time, too.",
  status: 200,
  on: conversation,
  payload: z.strictObject({ conversationId: Uuid, messageId: MessageId }),
  result: z.object({ messageId: MessageId }),
  id: ({ conversationId }) => conversationId,
  needs: ({ messageId }) => ({ messages: [messageId] }),

  decide(state, { messageId }, by) {
    const message = reactable(state, messageId, by);
    if (isRejection(message)) return message;
    if (message.authorId === by.userId) return reject("forbidden", "its author does not acknowledge a message");
    if (!message.acknowledgement) return reject("conflict", "nobody asked for this message to be acknowledged");
    const there = message.acknowledged.get(by.userId);
    if (there !== undefined) return unchanged(there);
    return [MessageAcknowledged({ target: messageId, seq: message.seq, userId: by.userId, at: by.now.toISOString() })];
  },

  answer: (_, { messageId }) => ({ messageId }),
});
