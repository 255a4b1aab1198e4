import { z } from "zod";
import { Uuid } from "../domain/ids.ts";
import { reject } from "../domain/rejection.ts";
import type { Queryable } from "../infra/ports/database.ts";
import { type MessageRow, messageById, messagesWithin, type SeqRange } from "../projections/history/queries.ts";
import { seats } from "../projections/inbox/queries.ts";
import { loadMessages, openMessages } from "./messages.ts";
import { Limit, noSuchConversation, noSuchMessage, query, whole } from "./query.ts";
import { Message } from "./shapes.ts";
import { clip, visibleRanges } from "./visibility.ts";

const Seq = whole(0).optional();

export const ListMessages = query({
  name: "ListMessages",
  route: "GET /api/v1/conversations/:conversationId/messages",
  summary: "A page of messages by ascending seq: before or after one (exclusive), around one, else the last ones.",
  payload: {
    conversationId: Uuid,
    before: Seq,
    after: Seq,
    around: Seq,
    limit: Limit,
    threadRoot: Uuid.optional(),
  },
  result: z.strictObject({
    items: z.array(Message),
    more: z.strictObject({ before: z.boolean(), after: z.boolean() }),
  }),
  async run({ conversationId, threadRoot, limit, ...at }, by, { database, sealing }) {
    if (Object.values(at).filter((seq) => seq !== undefined).length > 1)
      return reject("validation-failed", "a page lies before, after or around one seq");
    const found = await database.transaction(async (tx) => {
      const seat = (await seats(tx, by.tenant, by.userId, [conversationId])).get(conversationId);
      if (!seat?.present) return noSuchConversation();
      const ranges = visibleRanges(seat.memberships, seat.historyVisibility);
      if (threadRoot !== undefined) {
        const root = await messageById(tx, by.tenant, conversationId, threadRoot);
        if (!root || clip(ranges, root.seq, root.seq).length === 0) return noSuchMessage();
      }
      const walk = walkOf(tx, by.tenant, conversationId, ranges, threadRoot ?? null);
      const page = await pageOf(walk, at, limit);
      return { loaded: await loadMessages(tx, by.tenant, page.rows), more: page.more };
    }, "snapshot");
    if ("rejected" in found) return found;
    return { items: await openMessages(sealing, found.loaded, by.userId), more: found.more };
  },
});

interface Walk {
  /** The last ones at or below a seq (null: of all), ascending; and whether there are more. */
  back(to: number | null, limit: number): Promise<{ rows: MessageRow[]; more: boolean }>;
  /** The first ones at or above a seq. */
  on(from: number, limit: number): Promise<{ rows: MessageRow[]; more: boolean }>;
}

function walkOf(
  tx: Queryable,
  tenant: string,
  conversation: string,
  ranges: readonly SeqRange[],
  threadRoot: string | null,
): Walk {
  const within = (clipped: readonly SeqRange[], limit: number, descending: boolean) =>
    messagesWithin(tx, tenant, conversation, clipped, { limit: limit + 1, descending, threadRoot });
  return {
    async back(to, limit) {
      const rows = await within(clip(ranges, 0, to), limit, true);
      return { rows: rows.slice(-limit), more: rows.length > limit };
    },
    async on(from, limit) {
      const rows = await within(clip(ranges, from, null), limit, false);
      return { rows: rows.slice(0, limit), more: rows.length > limit };
    },
  };
}

async function pageOf(
  walk: Walk,
  { before, after, around }: { before?: number | undefined; after?: number | undefined; around?: number | undefined },
  limit: number,
) {
  if (after !== undefined) {
    const { rows, more } = await walk.on(after + 1, limit);
    const first = rows[0]?.seq ?? after + 1;
    return { rows, more: { before: (await walk.back(first - 1, 1)).rows.length > 0, after: more } };
  }
  if (around !== undefined) {
    const half = Math.floor(limit / 2);
    const earlier = await walk.back(around - 1, limit);
    const later = await walk.on(around, limit);
    // What one side lacks the other gives.
    const backward = Math.min(earlier.rows.length, Math.max(half, limit - later.rows.length));
    const onward = Math.min(later.rows.length, limit - backward);
    return {
      rows: [...earlier.rows.slice(earlier.rows.length - backward), ...later.rows.slice(0, onward)],
      more: {
        before: earlier.more || backward < earlier.rows.length,
        after: later.more || onward < later.rows.length,
      },
    };
  }
  const { rows, more } = await walk.back(before === undefined ? null : before - 1, limit);
  const last = rows.at(-1)?.seq ?? (before ?? 0) - 1;
  return { rows, more: { before: more, after: before !== undefined && (await walk.on(last + 1, 1)).rows.length > 0 } };
}
