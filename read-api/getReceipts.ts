import { z } from "zod";
import { Uuid } from "../domain/ids.ts";
import { countReceipts, receiptsPage } from "../projections/receipts/queries.ts";
import { badCursor, Cursor, Limit, query } from "./query.ts";
import { visibleMessage } from "./visibleMessage.ts";

const Place = z.object({ messageId: Uuid, after: Uuid });
const PURPOSE = "receipts";
const At = z.iso.datetime({ precision: 3 });

export const GetReceipts = query({
  name: "GetReceipts",
  route: "GET /api/v1/conversations/:conversationId/messages/:messageId/receipts",
  summary: "Whom a message reached and who read it, and when. `total`: members who may see it, without its sender.",
  payload: { conversationId: Uuid, messageId: Uuid, limit: Limit, cursor: Cursor },
  result: z.strictObject({
    delivered: z.int(),
    read: z.int(),
    total: z.int(),
    items: z.array(z.strictObject({ userId: z.uuid(), deliveredAt: At.nullable(), readAt: At.nullable() })),
    cursor: z.string().nullable(),
  }),
  async run({ conversationId, messageId, limit, cursor }, by, { database, cursors }) {
    const place = cursor === undefined ? null : cursors.open(PURPOSE, by, Place, cursor);
    return database.transaction(async (tx) => {
      const seen = await visibleMessage(tx, by, conversationId, messageId);
      if ("rejected" in seen) return seen;
      if (place === undefined || (place && place.messageId !== messageId)) return badCursor();
      const { seq, author } = seen.row;
      const asked = { conversation: conversationId, seq, author, openToAll: seen.seat.historyVisibility === "all" };
      const counts = await countReceipts(tx, by.tenant, asked);
      const rows = await receiptsPage(tx, by.tenant, asked, { after: place?.after ?? null, limit: limit + 1 });
      const page = rows.slice(0, limit);
      const last = rows.length > limit ? page.at(-1)?.userId : undefined;
      return {
        ...counts,
        items: page.map(({ userId, deliveredAt, readAt }) => ({
          userId,
          deliveredAt: deliveredAt?.toISOString() ?? null,
          readAt: readAt?.toISOString() ?? null,
        })),
        cursor: last === undefined ? null : cursors.seal(PURPOSE, by, { messageId, after: last }),
      };
    }, "snapshot");
  },
});
