import { hash } from "node:crypto";
import type { PoolClient } from "pg";
import { systemClock } from "../../infra/clock.ts";
import { migrations } from "../../infra/foundation.ts";
import type { Database } from "../../infra/ports/database.ts";
import { openPool, transactionOn } from "../../infra/postgres/database.ts";
import { type Migration, migrate } from "../../infra/postgres/migrate.ts";
import { CommandFailed } from "../commandFailed.ts";
import type { ProgressLine } from "../import/progressLine.ts";
import { eraseAgain, raiseEpoch } from "./afterTheCut.ts";
import { assertKeysOpen, assertSecretsThere } from "./joined.ts";
import { loadTable } from "./loadTable.ts";
import type { Manifest } from "./manifest.ts";
import type { OpenPart } from "./openBackup.ts";
import { type Part, savedTables } from "./tables.ts";

export interface Restoring {
  readonly connection: string;
  /** Holds the week keys and the secret of tokens already. */
  readonly keysFolder: string;
  readonly log: OpenPart;
  readonly keys: OpenPart;
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
}

export interface Restored {
  readonly epoch: number;
  /** The last position. */
  readonly head: number;
  /** People who were erased after the log was saved. */
  readonly erasedSince: number;
}

/** Loads and checks everything in one transaction: whoever looks meanwhile, or after a kill, sees an empty database. */
export async function restore({ connection, keysFolder, log, keys, progress, signal }: Restoring): Promise<Restored> {
  const manifests = { log: log.manifest, keys: keys.manifest };
  const before = schemaOf(manifests.log, manifests.keys);
  const pool = openPool(connection, {
    max: 1,
    applicationName: "scripta restore",
    settings: { timezone: "UTC", datestyle: "ISO" },
  });
  const client = await pool.connect();
  let failed = true;
  try {
    await client.query("begin");
    const db = within(client);
    await assertEmpty(db);
    await migrate(db, before);
    for (const { folder, manifest } of [log, keys]) {
      const { part, tables } = manifest;
      for (const { table } of tables) assertKnown(part, table);
      // What a migration put in is among the rows.
      await db.query(`truncate ${tables.map(({ table }) => table).join()}`);
      progress.begin(
        `loading the ${part} part, rows`,
        tables.reduce((sum, { rows }) => sum + rows, 0),
      );
      for (const file of tables) await loadTable(client, file, folder, { onRows: progress.step, signal });
      progress.end();
    }
    await db.query(
      "select setval(pg_get_serial_sequence('log.streams', 'stream_no'), max(stream_no)) from log.streams having count(*) > 0",
    );
    const head = await headOf(db);
    if (head !== manifests.log.head.position)
      throw new CommandFailed(`the log part ends at position ${head}, not at ${manifests.log.head.position}`);
    progress.begin("checking the secrets of what is sealed", 0);
    await db.query("analyze");
    await assertSecretsThere(db, manifests);
    await assertKeysOpen(db, keysFolder);
    progress.end();
    const now = systemClock.now();
    const erasedSince = await eraseAgain(db, new Date(now));
    const epoch = await raiseEpoch(db, now);
    signal.throwIfAborted();
    await client.query("commit");
    failed = false;
    return { epoch, head, erasedSince };
  } finally {
    progress.end();
    client.release(failed);
    await pool.end();
  }
}

/** The schema that the tables had when they were saved; what is newer is applied when a server starts. */
function schemaOf(log: Manifest, keys: Manifest): readonly Migration[] {
  const ofKeys = (name: string) => name.startsWith("keys/");
  const applied = [
    ...log.migrations.filter(({ name }) => !ofKeys(name)),
    ...keys.migrations.filter(({ name }) => ofKeys(name)),
  ];
  const known = new Map(migrations().map((migration) => [migration.name, migration]));
  for (const { name, sha256 } of applied) {
    const migration = known.get(name);
    if (!migration || hash("sha256", migration.sql) !== sha256)
      throw new CommandFailed(
        `Scripta ${log.program} wrote this backup, with ${name}, which this version does not know`,
      );
  }
  const names = new Set(applied.map(({ name }) => name));
  return migrations().filter(({ name }) => names.has(name));
}

function assertKnown(part: Part, table: string): void {
  if (!savedTables[part].some(({ name }) => name === table))
    throw new CommandFailed(`${table} is no table of a ${part} part`);
}

async function assertEmpty(db: Database): Promise<void> {
  const { rows } = await db.query<{ name: string }>(
    `select distinct n.nspname as name from pg_namespace n left join pg_class c on c.relnamespace = n.oid
      where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and (n.nspname <> 'public' or c.oid is not null)
      order by 1`,
  );
  if (rows.length > 0)
    throw new CommandFailed(
      `the database is not empty: it holds ${rows.map(({ name }) => name).join(", ")}. Restore into an empty one`,
    );
}

async function headOf(db: Database): Promise<number> {
  const { rows } = await db.query<{ head: number }>("select coalesce(max(position), 0) as head from log.events");
  return rows[0]?.head ?? 0;
}

/** What is done on it is part of the connection's transaction. */
const within = (client: PoolClient): Database => {
  const { tx, settled } = transactionOn(client);
  return {
    query: tx.query,
    async transaction(work) {
      const result = await work(tx);
      await settled();
      return result;
    },
    listen: () => Promise.reject(new Error("a transaction hears nothing")),
  };
};
