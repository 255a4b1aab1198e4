import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { PoolClient } from "pg";
import { streamId, tenantId } from "../../domain/ids.ts";
import { openPool } from "../../infra/postgres/database.ts";
import { VERSION } from "../../infra/version.ts";
import { CommandFailed } from "../commandFailed.ts";
import type { ProgressLine } from "../import/progressLine.ts";
import { syncFolder } from "./durably.ts";
import { hasWeekKey, readKeyFiles, saveKeyFiles } from "./keyFiles.ts";
import { type Manifest, writeManifest } from "./manifest.ts";
import { saveTable } from "./saveTable.ts";
import { type Part, savedTables } from "./tables.ts";
import { wrappingKeys } from "./wrappingKeys.ts";

export interface BackingUp {
  /** URL of the database. */
  readonly connection: string;
  readonly keysFolder: string;
  /** Gets a folder for each part; must be new or empty. */
  readonly folder: string;
  readonly parts: readonly Part[];
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
}

const DAY_MS = 86_400_000;
/** A week key wraps for seven days at most, and is destroyed seven days after its successor was made. */
const SECRETS_LAST_DAYS = 14;
/** How often the keys are read again where a week key was destroyed meanwhile. */
const KEYS_TRIES = 3;

/**
 * Writes a backup of what is not folded from something else, while others write. The log comes first: secrets are
 * durable before an event that needs them, so what is sealed in it opens with keys that were read later.
 * A backup that fails leaves nothing behind.
 */
export async function backUp(asked: BackingUp): Promise<readonly Manifest[]> {
  const { folder, parts } = asked;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length > 0)
    throw new CommandFailed(
      `${folder} is not empty: name a new folder for each backup, or remove what a killed one left`,
    );
  const pool = openPool(asked.connection, {
    max: 1,
    applicationName: "scripta backup",
    settings: { timezone: "UTC", datestyle: "ISO", bytea_output: "hex", extra_float_digits: "1" },
  });
  const client = await pool.connect();
  let failed = true;
  try {
    const manifests: Manifest[] = [];
    if (parts.includes("log")) manifests.push(await saveLog(client, asked));
    if (parts.includes("keys")) manifests.push(await saveKeys(client, asked));
    failed = false;
    return manifests;
  } catch (error) {
    asked.progress.end();
    for (const part of parts) await rm(join(folder, part), { recursive: true, force: true });
    throw error;
  } finally {
    // In the middle of a COPY a connection can do nothing but end.
    client.release(failed);
    await pool.end();
  }
}

/** All of a part is read as of one moment. */
async function inSnapshot<T>(client: PoolClient, read: () => Promise<T>): Promise<T> {
  await client.query("begin isolation level repeatable read read only");
  const result = await read();
  await client.query("commit");
  return result;
}

async function saveLog(client: PoolClient, asked: BackingUp): Promise<Manifest> {
  const folder = await partFolder(asked, "log");
  const manifest = await inSnapshot(client, async () => ({
    ...(await factsOf(client, "log")),
    tables: await saveTables(client, "log", folder, asked),
    files: [],
  }));
  await writeManifest(folder, manifest);
  return manifest;
}

async function saveKeys(client: PoolClient, asked: BackingUp): Promise<Manifest> {
  for (let tries = 1; ; tries++) {
    const folder = await partFolder(asked, "keys");
    const manifest = await inSnapshot(client, async () => {
      const facts = await factsOf(client, "keys");
      const tables = await saveTables(client, "keys", folder, asked);
      // Read after the rows: whatever wraps one of them was there before.
      const keyFiles = await readKeyFiles(asked.keysFolder);
      const missing = (await wrappingKeys(client)).find(({ tenant, id }) => !hasWeekKey(keyFiles, tenant, id));
      if (missing && tries === KEYS_TRIES)
        throw new CommandFailed(`the week key ${missing.id} of ${missing.tenant} is missing in ${asked.keysFolder}`);
      if (missing) return undefined;
      const uselessFrom = new Date(Date.parse(facts.takenAt) + SECRETS_LAST_DAYS * DAY_MS).toISOString();
      return { ...facts, uselessFrom, tables, files: await saveKeyFiles(folder, keyFiles) };
    });
    if (manifest) {
      await writeManifest(folder, manifest);
      return manifest;
    }
    await rm(folder, { recursive: true });
  }
}

async function partFolder({ folder }: BackingUp, part: Part): Promise<string> {
  await mkdir(join(folder, part), { mode: 0o700 });
  await syncFolder(folder);
  return join(folder, part);
}

async function saveTables(client: PoolClient, part: Part, folder: string, { progress, signal }: BackingUp) {
  const counted = [];
  for (const table of savedTables[part]) {
    const found = await client.query<{ there: boolean }>("select to_regclass($1) is not null as there", [table.name]);
    // The service that runs may be of a version before this table.
    if (!found.rows[0]?.there) continue;
    const { rows } = await client.query<{ count: number }>(`select count(*) from ${table.name}`);
    counted.push({ table, expected: rows[0]?.count ?? 0 });
  }
  const total = counted.reduce((sum, { expected }) => sum + expected, 0);
  progress.begin(`saving the ${part} part, rows`, total);
  const files = [];
  for (const { table, expected } of counted) {
    const file = await saveTable(client, table, folder, { onRows: progress.step, signal });
    if (file.rows !== expected) throw new Error(`${file.rows} of ${expected} rows of ${table.name} were written`);
    files.push(file);
  }
  progress.end();
  return files;
}

async function factsOf(client: PoolClient, part: Part): Promise<Omit<Manifest, "tables" | "files">> {
  const { rows: found } = await client.query<{ there: boolean }>(
    "select to_regclass('log.events') is not null and to_regclass('keys.ledger') is not null as there",
  );
  if (!found[0]?.there) throw new CommandFailed("the database holds no log: start a server on it first");
  const { rows } = await client.query<{
    installation: string | null;
    epoch: number;
    position: number | null;
    recorded_at: number | null;
    ledger: number;
    now: Date;
  }>(
    `select (select e.data ->> 'tagKeyHash' from log.events e join log.streams s using (stream_no)
         where s.stream = $1 and e.revision = 0) as installation,
       (select max(epoch) from log.epochs) as epoch, head.position, head.recorded_at,
       (select coalesce(max(position), 0)::bigint from keys.ledger) as ledger, clock_timestamp() as now
     from (select) one left join lateral (
       select position, recorded_at from log.events order by position desc limit 1) head on true`,
    [streamId("main", "tenant", tenantId("main"))],
  );
  const [facts] = rows;
  if (!facts?.installation) throw new CommandFailed("the log is empty: start a server on it first");
  const migrations = await client.query<{ name: string; sha256: string }>(
    "select name, sha256 from scripta.migrations order by name",
  );
  return {
    format: "scripta/backup/v1",
    part,
    installation: facts.installation,
    takenAt: facts.now.toISOString(),
    program: VERSION,
    epoch: facts.epoch,
    head: { position: facts.position ?? 0, recordedAt: new Date(facts.recorded_at ?? 0).toISOString() },
    ledger: facts.ledger,
    migrations: migrations.rows,
  };
}
