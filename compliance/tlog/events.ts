import type { Queryable } from "../../infra/ports/database.ts";
import type { EventLog, RecordedEvent } from "../../infra/ports/eventLog.ts";

/** An entry's place in both orders, and what ties it to the event before it. */
export interface Placed {
  readonly index: number;
  readonly position: number;
  readonly link: Uint8Array;
  readonly leaf: Uint8Array;
}

/** In order of their indexes, from one (inclusive) to another (exclusive). */
export async function entriesBetween(queryable: Queryable, from: number, beyond: number): Promise<Placed[]> {
  const { rows } = await queryable.query<Placed>(
    "select index, position, link, leaf from tlog.entries where index >= $1 and index < $2 order by index",
    [from, beyond],
    "tlog-between",
  );
  return rows;
}

/** Those of these positions that are in order already. */
export async function entriesAt(queryable: Queryable, positions: readonly number[]): Promise<Map<number, Placed>> {
  if (positions.length === 0) return new Map();
  const { rows } = await queryable.query<Placed>(
    "select index, position, link, leaf from tlog.entries where position = any($1::bigint[])",
    [positions],
    "tlog-at",
  );
  return new Map(rows.map((row) => [row.position, row]));
}

/** The events that lie at these positions now, which rise. */
export async function eventsAt(log: EventLog, positions: readonly number[]): Promise<Map<number, RecordedEvent>> {
  const wanted = new Set(positions);
  const found = new Map<number, RecordedEvent>();
  const [first] = positions;
  const last = positions.at(-1);
  if (first === undefined || last === undefined) return found;
  for await (const event of log.readAll(first - 1, last - first + 1)) {
    if (event.position > last) break;
    if (wanted.has(event.position)) found.set(event.position, event);
  }
  return found;
}

/** The event of a stream at a revision. */
export async function eventOf(log: EventLog, stream: RecordedEvent["stream"], revision: number) {
  for await (const event of log.readStream(stream, revision, 1)) return event;
  return undefined;
}
