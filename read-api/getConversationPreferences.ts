import { Uuid } from "../domain/ids.ts";
import { seats } from "../projections/inbox/queries.ts";
import { noSuchConversation, query } from "./query.ts";
import { ConversationPreferences } from "./shapes.ts";

export const GetConversationPreferences = query({
  name: "GetConversationPreferences",
  route: "GET /api/v1/conversations/:conversationId/preferences",
  summary: "How one wants to be told of what happens in a conversation.",
  payload: { conversationId: Uuid },
  result: ConversationPreferences,
  async run({ conversationId }, { tenant, userId }, { database }) {
    const seat = (await seats(database, tenant, userId, [conversationId])).get(conversationId);
    if (!seat?.present) return noSuchConversation();
    return { notify: seat.notify, mutedUntil: seat.mutedUntil?.toISOString() ?? null };
  },
});
