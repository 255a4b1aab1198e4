import type { Queryable } from "../../infra/ports/database.ts";
import { newestCheckpoint } from "./checkpoints.ts";

export interface Cosigned {
  readonly size: number;
  /** The checkpoint as the log signed it. */
  readonly note: string;
  readonly witness: string;
  /** The witness's signature line. */
  readonly line: string;
}

/** Checkpoints whose cosignatures are kept, the newest. */
const KEPT = 64;

export async function keepCosignature(queryable: Queryable, origin: string, cosigned: Cosigned): Promise<void> {
  const { size, note, witness, line } = cosigned;
  await queryable.query(
    `insert into tlog.cosignatures as kept (origin, size, witness, note, line) values ($1, $2, $3, $4, $5)
     on conflict (origin, size, witness) do update set note = excluded.note, line = excluded.line`,
    [origin, size, witness, note, line],
  );
  await queryable.query(
    `delete from tlog.cosignatures where origin = $1 and size < (
       select min(size) from (
         select distinct size from tlog.cosignatures where origin = $1 order by size desc limit ${KEPT}) newest)`,
    [origin],
  );
}

/** The newest checkpoint with the cosignatures that it has by now. */
export async function servedCheckpoint(
  queryable: Queryable,
  origin: string,
): Promise<{ readonly size: number; readonly note: string } | undefined> {
  const newest = await newestCheckpoint(queryable, origin);
  if (!newest) return undefined;
  const { rows } = await queryable.query<{ line: string }>(
    "select line from tlog.cosignatures where origin = $1 and size = $2 and note = $3 order by witness",
    [origin, newest.size, newest.note],
    "tlog-cosigned",
  );
  return { size: newest.size, note: newest.note + rows.map(({ line }) => line).join("") };
}

/** Of the checkpoints that cover an entry the one that most witnesses cosigned, of equals the newest. */
export async function checkpointOver(
  queryable: Queryable,
  origin: string,
  index: number,
): Promise<{ readonly size: number; readonly note: string } | undefined> {
  const { rows } = await queryable.query<{ size: number; note: string }>(
    `select size, note || lines as note from (
       select size, note, string_agg(line, '' order by witness) as lines, count(*) as cosigners
       from tlog.cosignatures where origin = $1 and size > $2 group by size, note
       union all
       select size, note, '', 0 from tlog.checkpoints where origin = $1 and size > $2
     ) known order by cosigners desc, size desc limit 1`,
    [origin, index],
    "tlog-over",
  );
  return rows[0];
}
