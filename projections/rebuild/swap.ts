import { setTimeout as pause } from "node:timers/promises";
import type { Database, Queryable } from "../../infra/ports/database.ts";
import { nextOf, oldOf } from "../generations.ts";
import { JOINED, PROJECTED, RESYNCED } from "../notices.ts";
import type { Projection } from "../projection.ts";
import { RebuildStuck } from "./faults.ts";
import { pairOf } from "./step.ts";

const PATIENCE_MS = 120_000;
const SHORT_MS = 100;
/** Above PostgreSQL's deadlock_timeout (1 s), at which it ends an autovacuum that is in the way. */
const LONG_MS = 1_500;
const EVERY_NTH_LONG = 20;

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);
/** A lock that was not to be had in time, or a deadlock. */
const isInTheWay = (error: unknown): boolean => codeOf(error) === "55P03" || codeOf(error) === "40P01";

/**
 * Puts the second generation in the place of the live one, in one transaction. Whoever reads goes on: a statement sees
 * the one or the other, and both hold the same position.
 * @param standsStill the live one is not moved any more, so that the second may be ahead of it
 * @returns false where the two do not stand at the same position
 * @throws RebuildStuck, RebuildGivenUp
 */
export async function swap(
  database: Database,
  projection: Projection,
  { standsStill, signal }: { readonly standsStill: boolean; readonly signal: AbortSignal },
): Promise<boolean> {
  const { name } = projection;
  await database.query(`drop schema if exists ${oldOf(name)} cascade`);
  await olderSnapshotsEnd(database, signal);
  const until = performance.now() + PATIENCE_MS;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      const swapped = await swapOnce(database, projection, standsStill, attempt % EVERY_NTH_LONG ? SHORT_MS : LONG_MS);
      if (swapped) await database.query("select pg_notify($1, $2), pg_notify($1, $3)", [PROJECTED, JOINED, RESYNCED]);
      if (swapped) await database.query(`drop schema if exists ${oldOf(name)} cascade`);
      return swapped;
    } catch (error) {
      if (!isInTheWay(error)) throw error;
      if (performance.now() > until)
        throw new RebuildStuck(`${name} is in use without a pause, so it cannot be swapped now: run it again`, {
          cause: error,
        });
    }
    await pause(20 + Math.random() * 100);
  }
}

const swapOnce = (
  database: Database,
  projection: Projection,
  standsStill: boolean,
  lockTimeoutMs: number,
): Promise<boolean> =>
  database.transaction(async (tx) => {
    const { name } = projection;
    const next = nextOf(name);
    // Below deadlock_timeout, so that it is never the projector that has to give way.
    await tx.query(`set local lock_timeout = ${lockTimeoutMs}`);
    await tx.query("select 1 from ops.checkpoints where schema = any($1::text[]) order by schema for update", [
      [name, next],
    ]);
    const pair = await pairOf(tx, projection);
    if (pair.next.phase !== "joined") return false;
    if (!standsStill && pair.live && pair.live.position !== pair.next.position) return false;
    const tables = pair.live ? await tableNames(tx, name) : [];
    // A statement that found some of its tables before the swap must not find others after it.
    if (tables.length > 0) await tx.query(`lock table ${tables.join(", ")} in access exclusive mode`);
    await tx.query(`alter schema ${name} rename to ${oldOf(name)}`);
    await tx.query(`alter schema ${next} rename to ${name}`);
    await tx.query("delete from ops.checkpoints where schema = $1", [name]);
    await tx.query("update ops.checkpoints set schema = $1, phase = 'live' where schema = $2", [name, next]);
    // Beyond every cursor that anybody can hold: those end at the checkpoint, which cannot move before this commits.
    await tx.query(
      `insert into ops.resync (tenant, conversation, resync_position)
       select tenant, conversation, $2 from ops.differing where schema = $1
       on conflict (tenant, conversation) do update set resync_position = excluded.resync_position`,
      [name, pair.next.position + 1],
    );
    await tx.query("delete from ops.differing where schema = $1", [name]);
    return true;
  });

async function tableNames(tx: Queryable, schema: string): Promise<string[]> {
  const { rows } = await tx.query<{ name: string }>(
    "select schemaname || '.' || tablename as name from pg_tables where schemaname = $1 order by 1",
    [schema],
  );
  return rows.map(({ name }) => name);
}

/** A snapshot from before the second generation caught up would find it half built, if it looked there after the swap. */
async function olderSnapshotsEnd(database: Database, signal: AbortSignal): Promise<void> {
  const { rows } = await database.query<{ now: string }>("select pg_current_xact_id()::xid::text as now");
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    signal.throwIfAborted();
    const { rows: older } = await database.query<{ who: string; since: Date }>(
      `select coalesce(nullif(application_name, ''), usename::text, pid::text) as who, xact_start as since
       from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
         and backend_xmin is not null and age(backend_xmin) > age($1::xid)`,
      [rows[0]?.now],
    );
    const [first] = older;
    if (!first) return;
    if (performance.now() > until)
      throw new RebuildStuck(
        `a transaction of ${first.who} is open since ${first.since.toISOString()}: run it again when it has ended`,
      );
    await pause(50);
  }
}
