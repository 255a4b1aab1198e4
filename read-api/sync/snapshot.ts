import type { Queryable } from "../../infra/ports/database.ts";
import { activeSeats, inboxPage, type Seat, seats } from "../../projections/inbox/queries.ts";
import type { Ref } from "../changes/refs.ts";
import { block } from "./block.ts";
import type { Place, PlaceIn } from "./place.ts";

export interface Viewer {
  readonly tenant: string;
  readonly userId: string;
}

/** Something to send, and the place from which to go on after it. */
export interface Planned {
  readonly ref: Ref;
  readonly place: Place;
}

const DETAILED = 20;
const AT_ONCE = 50;

/**
 * Everything of a person as of a position: `me`, then conversations by last activity. What becomes active meanwhile
 * leaves that order upwards, and is sent in a closing round. What changes beyond the position follows with the next
 * cursor, and so does a conversation that one joined beyond it.
 */
export async function* snapshot(
  tx: Queryable,
  viewer: Viewer,
  upTo: number,
  from: PlaceIn<"inbox" | "closing"> | null,
): AsyncGenerator<Planned> {
  if (!from) yield { ref: { op: "me" }, place: { phase: "inbox", nth: 0, at: null } };
  if (from?.phase !== "closing") yield* inbox(tx, viewer, upTo, from);
  yield* closing(tx, viewer, upTo, from?.phase === "closing" ? from.at : null);
}

async function* inbox(
  tx: Queryable,
  viewer: Viewer,
  upTo: number,
  from: PlaceIn<"inbox"> | null,
): AsyncGenerator<Planned> {
  let nth = from?.nth ?? 0;
  const send = async function* (
    seat: Seat,
    activity: number,
    resume: NonNullable<PlaceIn<"inbox">["at"]>["block"] | null,
  ) {
    for await (const { ref, block: place } of block(
      tx,
      viewer,
      seat,
      { detailed: nth < DETAILED, left: false },
      resume,
    )) {
      const at = { activity, conversation: seat.conversation, block: place };
      yield { ref, place: { phase: "inbox", nth, at } } satisfies Planned;
    }
    nth++;
  };
  let below = from?.at ? { activity: from.at.activity, conversation: from.at.conversation } : null;
  if (from?.at) {
    const seat = (await seats(tx, viewer.tenant, viewer.userId, [from.at.conversation])).get(from.at.conversation);
    if (seat?.present && seat.joinedPosition <= upTo) yield* send(seat, from.at.activity, from.at.block);
    else nth++;
  }
  for (;;) {
    const page = await inboxPage(tx, viewer.tenant, viewer.userId, { below, upTo, after: -1, limit: AT_ONCE });
    for (const seat of page) if (seat.joinedPosition <= upTo) yield* send(seat, seat.activityPosition, null);
    const last = page.at(-1);
    if (!last || page.length < AT_ONCE) return;
    below = { activity: last.activityPosition, conversation: last.conversation };
  }
}

async function* closing(
  tx: Queryable,
  viewer: Viewer,
  upTo: number,
  from: PlaceIn<"closing">["at"],
): AsyncGenerator<Planned> {
  const send = async function* (seat: Seat, resume: NonNullable<typeof from>["block"] | null) {
    for await (const { ref, block: place } of block(tx, viewer, seat, { detailed: true, left: false }, resume))
      yield {
        ref,
        place: { phase: "closing", at: { conversation: seat.conversation, block: place } },
      } satisfies Planned;
  };
  if (from) {
    const seat = (await seats(tx, viewer.tenant, viewer.userId, [from.conversation])).get(from.conversation);
    if (seat?.present && seat.joinedPosition <= upTo) yield* send(seat, from.block);
  }
  for (let after = from?.conversation ?? null; ; ) {
    const page = await activeSeats(tx, viewer.tenant, viewer.userId, { since: upTo, after, limit: AT_ONCE });
    for (const seat of page) if (seat.joinedPosition <= upTo) yield* send(seat, null);
    const last = page.at(-1);
    if (!last || page.length < AT_ONCE) return;
    after = last.conversation;
  }
}
