import { hash, randomBytes } from "node:crypto";
import { PostgresEventLog } from "../../../infra/eventLog/postgresEventLog.ts";
import type { Database as AnyDatabase } from "../../../infra/ports/database.ts";
import { openDatabase } from "../../../infra/postgres/database.ts";
import { projections } from "../../../projections/all.ts";
import { caughtUp, startProjector } from "../../support/readModels.ts";
import type { LogEntry, ReadModelHashes } from "../checker/history.ts";
import { until } from "./until.ts";

export type Database = AnyDatabase & { close(): Promise<void> };

/** The whole log, as it lies there. */
export async function readLog(database: Database): Promise<LogEntry[]> {
  const { rows } = await database.query<LogEntry>(
    `select e.position, s.stream, e.revision, e.recorded_at as "recordedAt", e.command as "commandId",
       e.command_at as ordinal, e.actor as "actorId", e.type, e.data
     from log.events e join log.streams s using (stream_no) order by e.position`,
  );
  return rows;
}

/** Waits until every live read model stands at the log's head. */
export async function atRest(database: Database): Promise<void> {
  const names = projections.map(({ name }) => name);
  await until(
    async () => {
      const { rows } = await database.query(
        `select from ops.checkpoints where schema = any($1::text[])
           and position < (select coalesce(max(position), 0) from log.events)`,
        [names],
      );
      return rows.length === 0;
    },
    "the read models at the head of the log",
    30_000,
  );
}

/**
 * Every table of the read models as it stands, and as a replay of the whole log into an empty database makes it. Devices
 * go on marking what they got as delivered, so it is done again until the log was the same before and after.
 */
export async function replayed(url: string): Promise<ReadModelHashes[]> {
  const database = openDatabase(url, { max: 2 });
  const log = new PostgresEventLog(url);
  try {
    return await until(async () => {
      const before = await log.head();
      await atRest(database);
      const live = await hashes(database);
      if ((await log.head()).position !== before.position) return undefined;
      const anew = await hashesOfReplay(url, database, log);
      if ((await log.head()).position !== before.position) return undefined;
      return [...live].map(([table, hashed]) => ({
        table,
        live: hashed,
        replayed: anew.get(table) ?? "no such table",
      }));
    }, "a log that rests");
  } finally {
    await log.close();
    await database.close();
  }
}

async function hashesOfReplay(
  url: string,
  database: Database,
  log: PostgresEventLog,
): Promise<ReadonlyMap<string, string>> {
  const name = `replay_${randomBytes(6).toString("hex")}`;
  const aside = new URL(url);
  aside.pathname = `/${name}`;
  await database.query(`create database ${name}`);
  const empty = openDatabase(aside.href, { max: 4 });
  try {
    const projector = await startProjector(log, empty);
    await caughtUp(projector, log);
    await projector.stop();
    return await hashes(empty);
  } finally {
    await empty.close();
    await database.query(`drop database ${name} with (force)`);
  }
}

/** Of each table of each read model, over all its rows in order. */
export async function hashes(database: Database): Promise<ReadonlyMap<string, string>> {
  const { rows: tables } = await database.query<{ name: string }>(
    `select table_schema || '.' || table_name as name from information_schema.tables
     where table_schema = any($1::text[]) order by 1`,
    [projections.map(({ name }) => name)],
  );
  const found = new Map<string, string>();
  for (const { name } of tables) {
    const { rows } = await database.query<{ rows: string; count: number }>(
      `select coalesce(string_agg(md5(t::text), '' order by t::text collate "C"), '') as rows, count(*) as count from ${name} t`,
    );
    found.set(name, `${hash("sha256", rows[0]?.rows ?? "").slice(0, 16)} of ${rows[0]?.count} rows`);
  }
  return found;
}

export const openForEvidence = (url: string): Database => openDatabase(url, { max: 2 });
