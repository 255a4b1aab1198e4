import { firstSeq, visible } from "../../domain/conversation/visibility.ts";
import type { Queryable } from "../../infra/ports/database.ts";
import { changedMuch } from "../../projections/history/queries.ts";
import { movedSeats, type Seat } from "../../projections/inbox/queries.ts";
import { type MovedRow, movedRows, type RowPlace, ranks } from "../../projections/movedRows.ts";
import { changedPeople, person } from "../../projections/people/queries.ts";
import { block, RECEIPTS_UP_TO } from "./block.ts";
import type { Place, PlaceIn } from "./place.ts";
import type { Planned, Viewer } from "./snapshot.ts";

/** Of a conversation of which more messages changed, all is sent anew. */
const ANEW_BEYOND = 200;
const AT_ONCE = 100;
/** Stands after everything that the position changed. */
const BEYOND_RANKS = 99;
const NO_ID = "00000000-0000-0000-0000-000000000000";

const order = ["users", "anew", "rows", "unread"] as const;
type Phase = (typeof order)[number];

interface Window {
  readonly after: number;
  readonly upTo: number;
}

/** What changed for a person after one position, up to another. */
export async function* catchingUp(
  tx: Queryable,
  viewer: Viewer,
  window: Window,
  from: PlaceIn<Phase> | null,
): AsyncGenerator<Planned> {
  const isOver = (phase: Phase) => from !== null && order.indexOf(phase) < order.indexOf(from.phase);
  const resume = <P extends Phase>(phase: P) => (from && isIn(from, phase) ? from : null);
  const moved = await sortSeats(tx, viewer, window);
  /** Whose `user` this page holds already. */
  const introduced = new Set<string>();
  if (!from) yield* me(tx, viewer, window);
  if (!isOver("users")) yield* users(tx, viewer, window, resume("users"), introduced);
  if (!isOver("anew")) yield* anew(tx, viewer, moved, resume("anew"));
  if (!isOver("rows")) yield* rows(tx, viewer, moved.steady, window, resume("rows"), introduced);
  yield* unread(moved.steady, window, resume("unread"));
}

const isIn = <P extends Phase>(place: Place, phase: P): place is PlaceIn<P> => place.phase === phase;

interface Sorted {
  /** To drop, and to send whole, in order of conversation. */
  readonly anew: readonly { readonly seat: Seat; readonly left: boolean; readonly gone: boolean }[];
  /** Those of which the changes follow one by one. */
  readonly steady: ReadonlyMap<string, Seat>;
}

async function sortSeats(tx: Queryable, { tenant, userId }: Viewer, { after, upTo }: Window): Promise<Sorted> {
  const moved = await movedSeats(tx, tenant, userId, after);
  const known = moved.filter(({ present, joinedPosition }) => present && joinedPosition <= after);
  const ids = known.map(({ conversation }) => conversation);
  const much = await changedMuch(tx, tenant, ids, { after, upTo, many: ANEW_BEYOND });
  const anew: { seat: Seat; left: boolean; gone: boolean }[] = [];
  const steady = new Map<string, Seat>();
  for (const seat of moved) {
    const { conversation, present, joinedPosition, leftPosition } = seat;
    if (!present) {
      if (leftPosition !== null && leftPosition > after && leftPosition <= upTo)
        anew.push({ seat, left: true, gone: true });
    } else if (joinedPosition > upTo) continue;
    else if (
      joinedPosition > after ||
      much.has(conversation) ||
      narrowedSince(seat, after) ||
      seat.resyncPosition > after
    )
      anew.push({ seat, left: true, gone: false });
    else steady.set(conversation, seat);
  }
  return { anew, steady };
}

/** The device may hold messages from before one's membership, which one sees no more. */
const narrowedSince = ({ narrowedPosition, memberships }: Seat, after: number): boolean =>
  narrowedPosition > after && firstSeq(memberships, "joined") > 1;

async function* me(tx: Queryable, { tenant, userId }: Viewer, { after, upTo }: Window): AsyncGenerator<Planned> {
  const row = await person(tx, tenant, userId);
  if (row && row.ownPosition > after && row.ownPosition <= upTo)
    yield { ref: { op: "me" }, place: { phase: "users", after: null } };
}

async function* users(
  tx: Queryable,
  { tenant, userId }: Viewer,
  window: Window,
  from: PlaceIn<"users"> | null,
  introduced: Set<string>,
): AsyncGenerator<Planned> {
  for (let afterId = from?.after ?? NO_ID; ; ) {
    const changed = await changedPeople(tx, tenant, userId, { ...window, afterId, limit: AT_ONCE });
    for (const id of changed) {
      introduced.add(id);
      yield { ref: { op: "user", userId: id }, place: { phase: "users", after: id } };
    }
    const last = changed.at(-1);
    if (!last || changed.length < AT_ONCE) return;
    afterId = last;
  }
}

async function* anew(
  tx: Queryable,
  viewer: Viewer,
  moved: Sorted,
  from: PlaceIn<"anew"> | null,
): AsyncGenerator<Planned> {
  for (const { seat, left, gone } of moved.anew) {
    const { conversation } = seat;
    if (from?.at && conversation < from.at.conversation) continue;
    const resume = from?.at?.conversation === conversation ? from.at.block : null;
    if (gone) {
      if (!resume)
        yield {
          ref: { op: "left", conversation },
          place: { phase: "anew", at: { conversation, block: { part: 0, key: "", ranges: [] } } },
        };
      continue;
    }
    for await (const { ref, block: place } of block(tx, viewer, seat, { detailed: true, left }, resume))
      yield { ref, place: { phase: "anew", at: { conversation, block: place } } };
  }
}

async function* rows(
  tx: Queryable,
  { tenant, userId }: Viewer,
  steady: ReadonlyMap<string, Seat>,
  { after, upTo }: Window,
  from: PlaceIn<"rows"> | null,
  introduced: Set<string>,
): AsyncGenerator<Planned> {
  const start: RowPlace = from?.at ?? [after, BEYOND_RANKS, "", ""];
  const seats = [...steady.values()];
  const own = seats.flatMap((seat) => ownRows(seat, { after, upTo })).filter((row) => compare(placeOf(row), start) > 0);
  const conversations = seats
    .filter(({ headPosition }) => headPosition > after)
    .map(({ conversation }) => conversation);
  const withReceipts = seats
    .filter(({ headPosition, memberCount }) => headPosition > after && memberCount <= RECEIPTS_UP_TO)
    .map(({ conversation }) => conversation);
  if (from?.introduced) introduced.add(from.introduced);
  let last = start;
  for (;;) {
    const found = await movedRows(tx, tenant, {
      conversations,
      withStandings: seats.map(({ conversation }) => conversation),
      withReceipts,
      userId,
      after: last,
      upTo,
      limit: AT_ONCE,
    });
    const end = found.length === AT_ONCE ? found.at(-1) : undefined;
    const horizon = end && placeOf(end);
    const mine = own.filter(
      (row) => compare(placeOf(row), last) > 0 && (!horizon || compare(placeOf(row), horizon) <= 0),
    );
    const merged = [...found, ...mine].sort((one, other) => compare(placeOf(one), placeOf(other)));
    for (const row of merged) {
      const seat = steady.get(row.conversation);
      if (!seat) continue;
      const { memberships, historyVisibility } = seat;
      const place = placeOf(row);
      if (row.rank === ranks.message && !visible(memberships, historyVisibility, Number(row.key))) continue;
      if (row.author !== null && !introduced.has(row.author)) {
        introduced.add(row.author);
        yield {
          ref: { op: "user", userId: row.author },
          place: { phase: "rows", at: [...last], introduced: row.author },
        };
      }
      last = place;
      yield { ref: refOf(row, seat), place: { phase: "rows", at: [...place], introduced: null } };
    }
    if (!horizon) return;
    last = horizon;
  }
}

/** What one's seat says that no row of its own does: each at the last of the positions that lie in the window. */
function ownRows(seat: Seat, { after, upTo }: Window): MovedRow[] {
  const { conversation, changedPosition, memberPosition, standingPosition, preferencesPosition } = seat;
  const within = (position: number) => position > after && position <= upTo;
  const row = (rank: number, positions: readonly number[]) => {
    const inWindow = positions.filter(within);
    return inWindow.length === 0
      ? []
      : [{ position: Math.max(...inWindow), rank, conversation, key: "", author: null }];
  };
  return [
    ...row(ranks.conversation, [changedPosition, memberPosition, standingPosition]),
    ...row(ranks.preferences, [preferencesPosition]),
  ];
}

function refOf({ rank, conversation, key }: MovedRow, seat: Seat): Planned["ref"] {
  switch (rank) {
    case ranks.conversation:
      return { op: "conversation", seat };
    case ranks.preferences:
      return { op: "preferences", seat };
    case ranks.member:
      return { op: "member", conversation, userId: key, plain: seat.role === "guest" };
    case ranks.receipt:
      return { op: "receipt", conversation, userId: key };
    default:
      return { op: "message", conversation, seq: Number(key) };
  }
}

const placeOf = ({ position, rank, conversation, key }: MovedRow): RowPlace => [position, rank, conversation, key];

function compare(one: RowPlace, other: RowPlace): number {
  for (let field = 0; field < one.length; field++) {
    const [a, b] = [one[field] ?? 0, other[field] ?? 0];
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}

async function* unread(
  steady: ReadonlyMap<string, Seat>,
  { after }: Window,
  from: PlaceIn<"unread"> | null,
): AsyncGenerator<Planned> {
  for (const [conversation, seat] of steady)
    if (seat.headPosition > after && (!from?.after || conversation > from.after))
      yield { ref: { op: "unread", seat }, place: { phase: "unread", after: conversation } };
}
