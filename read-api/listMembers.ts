import { z } from "zod";
import { Uuid } from "../domain/ids.ts";
import { seats } from "../projections/inbox/queries.ts";
import { membersPage } from "../projections/members/queries.ts";
import { forGuest, loadMembers, openMembers } from "./members.ts";
import { badCursor, Cursor, Limit, noSuchConversation, query } from "./query.ts";
import { Member } from "./shapes.ts";

const Place = z.object({ conversationId: Uuid, after: Uuid });
const PURPOSE = "members";

export const ListMembers = query({
  name: "ListMembers",
  route: "GET /api/v1/conversations/:conversationId/members",
  summary: "Who is in a conversation now.",
  payload: { conversationId: Uuid, limit: Limit, cursor: Cursor },
  result: z.strictObject({ items: z.array(Member), cursor: z.string().nullable() }),
  async run({ conversationId, limit, cursor }, by, { database, sealing, cursors }) {
    const place = cursor === undefined ? null : cursors.open(PURPOSE, by, Place, cursor);
    const found = await database.transaction(async (tx) => {
      const seat = (await seats(tx, by.tenant, by.userId, [conversationId])).get(conversationId);
      if (!seat?.present) return noSuchConversation();
      if (place === undefined || (place && place.conversationId !== conversationId)) return badCursor();
      const rows = await membersPage(tx, by.tenant, conversationId, { after: place?.after ?? null, limit: limit + 1 });
      const page = rows.slice(0, limit);
      const last = rows.length > limit ? page.at(-1)?.userId : undefined;
      return { guest: seat.role === "guest", loaded: await loadMembers(tx, by.tenant, page), last };
    }, "snapshot");
    if ("rejected" in found) return found;
    const { guest, loaded, last } = found;
    const items = await openMembers(sealing, loaded);
    return {
      items: guest ? items.map(forGuest) : items,
      cursor: last === undefined ? null : cursors.seal(PURPOSE, by, { conversationId, after: last }),
    };
  },
});
