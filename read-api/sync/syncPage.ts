import { lowestCheckpoint } from "../../projections/inbox/queries.ts";
import { loadRefs, openRefs, type Ref } from "../changes/refs.ts";
import type { Holder } from "../cursors.ts";
import type { ReadParts } from "../parts.ts";
import type { Change } from "../shapes.ts";
import { catchingUp } from "./catchingUp.ts";
import { type Place, SyncCursor } from "./place.ts";
import { type Planned, snapshot } from "./snapshot.ts";

/** The read models that sync reads. */
export const SCHEMAS = ["people", "members", "inbox", "history", "receipts"];
const PURPOSE = "sync";

export interface SyncPage {
  readonly changes: readonly Change[];
  readonly cursor: string;
  /** The round goes on. */
  readonly more: boolean;
  /** Local state is to be dropped first. */
  readonly reset: boolean;
  /** All up to here is with the device once the round is over. */
  readonly upTo: number;
}

type SyncParts = Pick<ReadParts, "database" | "sealing" | "cursors">;

export const cursorAt = ({ cursors }: Pick<ReadParts, "cursors">, holder: Holder, position: number): string =>
  cursors.seal(PURPOSE, holder, { from: position, round: null } satisfies SyncCursor);

/** The next changes after a cursor, at most `limit`. A cursor that does not hold starts again from nothing. */
export async function syncPage(
  parts: SyncParts,
  holder: Holder,
  cursor: string | undefined,
  limit: number,
): Promise<SyncPage> {
  const { database, sealing, cursors } = parts;
  const held = cursor === undefined ? undefined : cursors.open(PURPOSE, holder, SyncCursor, cursor);
  const from = held?.from ?? null;
  const { loaded, upTo, next } = await database.transaction(async (tx) => {
    const checkpoint = await lowestCheckpoint(tx, SCHEMAS);
    // A crash of the database may have cost the last rows: a round ends before them, and none goes back behind `from`.
    const end = Math.max(from ?? 0, Math.min(held?.round?.upTo ?? checkpoint, checkpoint));
    const place = held?.round?.place ?? null;
    const page = await take(plan(tx, holder, from, end, place), limit);
    return { loaded: await loadRefs(tx, holder, page.refs), upTo: end, next: page.next };
  }, "snapshot");
  const after: SyncCursor = next ? { from, round: { upTo, place: next } } : { from: upTo, round: null };
  return {
    changes: await openRefs(sealing, loaded),
    cursor: cursors.seal(PURPOSE, holder, after),
    more: next !== null,
    reset: held === undefined,
    upTo,
  };
}

function plan(
  tx: Parameters<typeof snapshot>[0],
  holder: Holder,
  from: number | null,
  upTo: number,
  place: Place | null,
): AsyncGenerator<Planned> {
  const inSnapshot = place?.phase === "inbox" || place?.phase === "closing";
  if (from === null) return snapshot(tx, holder, upTo, inSnapshot ? place : null);
  return catchingUp(tx, holder, { after: from, upTo }, place && !inSnapshot ? place : null);
}

async function take(plan: AsyncGenerator<Planned>, limit: number): Promise<{ refs: Ref[]; next: Place | null }> {
  const refs: Ref[] = [];
  let next: Place | null = null;
  for await (const { ref, place } of plan) {
    if (refs.length === limit) return { refs, next };
    refs.push(ref);
    next = place;
  }
  return { refs, next: null };
}
