import { z } from "zod";
import { Uuid } from "../domain/ids.ts";
import { reject } from "../domain/rejection.ts";
import { acknowledgementsPage, countAcknowledgements } from "../projections/history/queries.ts";
import { badCursor, Cursor, Limit, query } from "./query.ts";
import { visibleMessage } from "./visibleMessage.ts";

const Place = z.object({ messageId: Uuid, after: Uuid });
const PURPOSE = "acknowledgements";
const At = z.iso.datetime({ precision: 3 });

export const GetAcknowledgements = query({
  name: "GetAcknowledgements",
  route: "GET /api/v1/conversations/:conversationId/messages/:messageId/acks",
  summary:
    "Who acknowledged a message, and who of those that are asked has not yet: its members since it was sent, without its sender.",
  payload: { conversationId: Uuid, messageId: Uuid, limit: Limit, cursor: Cursor },
  result: z.strictObject({
    ackBy: At,
    acknowledged: z.int(),
    missing: z.int(),
    items: z.array(
      z.strictObject({ userId: z.uuid(), at: At.nullable().describe("Null: not yet."), late: z.boolean() }),
    ),
    cursor: z.string().nullable(),
  }),
  async run({ conversationId, messageId, limit, cursor }, by, { database, cursors }) {
    const place = cursor === undefined ? null : cursors.open(PURPOSE, by, Place, cursor);
    return database.transaction(async (tx) => {
      const seen = await visibleMessage(tx, by, conversationId, messageId);
      if ("rejected" in seen) return seen;
      if (place === undefined || (place && place.messageId !== messageId)) return badCursor();
      const { seq, author, ackBy } = seen.row;
      if (ackBy === null) return reject("not-found", "this message does not ask to be acknowledged");
      const asked = { conversation: conversationId, seq, author };
      const counts = await countAcknowledgements(tx, by.tenant, asked);
      const rows = await acknowledgementsPage(tx, by.tenant, asked, { after: place?.after ?? null, limit: limit + 1 });
      const last = rows.length > limit ? rows[limit - 1]?.userId : undefined;
      return {
        ackBy: ackBy.toISOString(),
        ...counts,
        items: rows.slice(0, limit).map(({ userId, at }) => ({
          userId,
          at: at?.toISOString() ?? null,
          late: at !== null && at > ackBy,
        })),
        cursor: last === undefined ? null : cursors.seal(PURPOSE, by, { messageId, after: last }),
      };
    }, "snapshot");
  },
});
