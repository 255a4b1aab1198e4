import { Uuid } from "../domain/ids.ts";
import { seats } from "../projections/inbox/queries.ts";
import { loadConversations, openConversations } from "./conversations.ts";
import { noSuchConversation, query } from "./query.ts";
import { Conversation } from "./shapes.ts";

export const GetConversation = query({
  name: "GetConversation",
  route: "GET /api/v1/conversations/:conversationId",
  summary: "A conversation that one is a member of.",
  payload: { conversationId: Uuid },
  result: Conversation,
  async run({ conversationId }, by, { database, sealing }) {
    const loaded = await database.transaction(async (tx) => {
      const seat = (await seats(tx, by.tenant, by.userId, [conversationId])).get(conversationId);
      return seat?.present ? loadConversations(tx, by.tenant, [{ userId: by.userId, seat }]) : undefined;
    }, "snapshot");
    const [conversation] = loaded ? await openConversations(sealing, loaded) : [];
    return conversation ?? noSuchConversation();
  },
});
