import type { Queryable } from "../../infra/ports/database.ts";

/** The newest signed checkpoint of a log, as a note. */
export async function newestCheckpoint(
  queryable: Queryable,
  origin: string,
): Promise<{ readonly size: number; readonly note: string } | undefined> {
  const { rows } = await queryable.query<{ size: number; note: string }>(
    "select size, note from tlog.checkpoints where origin = $1",
    [origin],
    "tlog-newest",
  );
  return rows[0];
}

export async function keepCheckpoint(
  queryable: Queryable,
  origin: string,
  { size, note }: { readonly size: number; readonly note: string },
): Promise<void> {
  await queryable.query(
    `insert into tlog.checkpoints as kept (origin, size, note) values ($1, $2, $3)
     on conflict (origin) do update set size = excluded.size, note = excluded.note where kept.size <= excluded.size`,
    [origin, size, note],
    "tlog-keep",
  );
}
