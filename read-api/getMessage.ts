import { Uuid } from "../domain/ids.ts";
import { loadMessages, openMessages } from "./messages.ts";
import { noSuchMessage, query } from "./query.ts";
import { Message } from "./shapes.ts";
import { visibleMessage } from "./visibleMessage.ts";

export const GetMessage = query({
  name: "GetMessage",
  route: "GET /api/v1/conversations/:conversationId/messages/:messageId",
  summary: "One message as it is now.",
  payload: { conversationId: Uuid, messageId: Uuid },
  result: Message,
  async run({ conversationId, messageId }, by, { database, sealing }) {
    const found = await database.transaction(async (tx) => {
      const seen = await visibleMessage(tx, by, conversationId, messageId);
      return "rejected" in seen ? seen : loadMessages(tx, by.tenant, [seen.row]);
    }, "snapshot");
    if ("rejected" in found) return found;
    const [message] = await openMessages(sealing, found, by.userId);
    return message ?? noSuchMessage();
  },
});
