import { parseStreamId, type StreamId, streamId } from "../domain/ids.ts";
import type { Database } from "../infra/ports/database.ts";
import type { EventLog } from "../infra/ports/eventLog.ts";
import { foldReadable } from "./apply.ts";
import type { Generation } from "./generations.ts";
import { decode, type Logged } from "./logged.ts";
import { PROJECTED, RESYNCED } from "./notices.ts";

/** A stream whose events one read model does not take in. */
export interface Parked {
  readonly schema: string;
  readonly stream: string;
  /** The first event that is missing from the rows. */
  readonly position: number;
  readonly error: string;
  readonly parkedAt: Date;
}

export const listParked = async (database: Database, schemas: readonly string[]): Promise<Parked[]> =>
  (
    await database.query<Parked>(
      `select schema, stream, position, error, parked_at as "parkedAt" from ops.parked
       where schema = any($1::text[]) order by parked_at, schema, stream`,
      [schemas],
    )
  ).rows;

/** Streams that are parked as one: a conversation with its receipts. */
function streamsOf(unit: string): StreamId[] {
  const { tenant, kind, id } = parseStreamId(unit);
  const itself = streamId(tenant, kind, id);
  return kind === "conversation" ? [itself, streamId(tenant, "receipts", id)] : [itself];
}

/**
 * Applies in order, in one transaction, what waited; devices are sent the conversation anew. The projector, in
 * whatever process, waits meanwhile: it moves the same checkpoint row.
 */
export function unpark(database: Database, log: EventLog, generation: Generation, unit: string): Promise<boolean> {
  return database.transaction(async (tx) => {
    const { rows: checkpoints } = await tx.query<{ position: number }>(
      "select position from ops.checkpoints where schema = $1 for update",
      [generation.schema],
    );
    const { rows: parked } = await tx.query<{ position: number }>(
      "delete from ops.parked where schema = $1 and stream = $2 returning position",
      [generation.schema, unit],
    );
    const upTo = checkpoints[0]?.position;
    const from = parked[0]?.position;
    if (upTo === undefined || from === undefined) return false;

    const waited: Logged[] = [];
    for (const stream of streamsOf(unit))
      for await (const recorded of log.readStream(stream)) {
        if (recorded.position < from || recorded.position > upTo) continue;
        const event = decode(recorded);
        if (event.type === "?") throw new Error(`${unit} stays parked: ${event.why}`);
        if (generation.projection.streams.includes(event.kind)) waited.push(event);
      }
    await foldReadable(
      tx,
      generation,
      waited.sort((one, other) => one.position - other.position),
    );

    const { tenant, kind, id } = parseStreamId(unit);
    // Beyond every cursor that anybody can hold: those end at the checkpoint, which cannot move before this commits.
    if (kind === "conversation") {
      await tx.query(
        `insert into ops.resync (tenant, conversation, resync_position) values ($1, $2, $3)
         on conflict (tenant, conversation) do update set resync_position = excluded.resync_position`,
        [tenant, id, upTo + 1],
      );
      await tx.query("select pg_notify($1, $2)", [PROJECTED, RESYNCED]);
    }
    return true;
  });
}
