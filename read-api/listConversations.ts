import { z } from "zod";
import type { By } from "../domain/by.ts";
import { Uuid } from "../domain/ids.ts";
import type { Queryable } from "../infra/ports/database.ts";
import { type InboxPlace, inboxPage, lowestCheckpoint, type Seat } from "../projections/inbox/queries.ts";
import { loadConversations, openConversations } from "./conversations.ts";
import { badCursor, Cursor, Limit, query } from "./query.ts";
import { Conversation } from "./shapes.ts";

/**
 * A round lists what was last active between two positions. What becomes active while one pages moves to the top,
 * out of the round: the next round begins there, so none is skipped.
 */
const Place = z.object({
  after: z.int(),
  upTo: z.int(),
  below: z.object({ activity: z.int(), conversation: Uuid }).nullable(),
});
type Place = z.infer<typeof Place>;

const PURPOSE = "inbox";

export const ListConversations = query({
  name: "ListConversations",
  route: "GET /api/v1/conversations",
  summary: "One's conversations, the last active first. One that becomes active meanwhile may come twice, never not.",
  payload: { limit: Limit, cursor: Cursor },
  result: z.strictObject({ items: z.array(Conversation), cursor: z.string().nullable() }),
  async run({ limit, cursor }, by, { database, sealing, cursors }) {
    const place = cursor === undefined ? null : cursors.open(PURPOSE, by, Place, cursor);
    if (place === undefined) return badCursor();
    const { loaded, next } = await database.transaction(async (tx) => {
      const page = await pageFrom(tx, by, place, limit);
      const seated = page.seats.map((seat) => ({ userId: by.userId, seat }));
      return { loaded: await loadConversations(tx, by.tenant, seated), next: page.next };
    }, "snapshot");
    const items = await openConversations(sealing, loaded);
    return { items, cursor: next && cursors.seal(PURPOSE, by, next) };
  },
});

async function pageFrom(
  tx: Queryable,
  { tenant, userId }: By,
  from: Place | null,
  limit: number,
): Promise<{ seats: Seat[]; next: Place | null }> {
  const checkpoint = await lowestCheckpoint(tx, ["inbox"]);
  const seats: Seat[] = [];
  let place = from ?? { after: -1, upTo: checkpoint, below: null };
  for (;;) {
    const found = await inboxPage(tx, tenant, userId, { ...place, limit: limit - seats.length + 1 });
    const more = found.length > limit - seats.length;
    seats.push(...found.slice(0, limit - seats.length));
    if (more) return { seats, next: { ...place, below: lastOf(seats) } };
    if (place.upTo >= checkpoint) return { seats, next: null };
    place = { after: place.upTo, upTo: checkpoint, below: null };
    if (seats.length === limit) return { seats, next: place };
  }
}

function lastOf(seats: readonly Seat[]): InboxPlace | null {
  const last = seats.at(-1);
  return last ? { activity: last.activityPosition, conversation: last.conversation } : null;
}
