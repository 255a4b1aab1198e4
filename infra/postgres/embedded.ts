import { randomBytes } from "node:crypto";
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { isAlive, ProcessIdentity, thisProcess } from "../processIdentity.ts";
import { postgresBinaries } from "./binaries.ts";
import { makeCluster } from "./cluster.ts";
import { clusterFolder } from "./clusterFolder.ts";
import { openDatabase } from "./database.ts";
import { databaseUser } from "./databaseUser.ts";
import { endLeftover } from "./leftover.ts";
import { FolderInUse, type PostgresServer, type ServerOptions, startServer } from "./server.ts";

export interface EmbeddedOptions {
  readonly dataFolder: string;
  /** Gets what PostgreSQL says, line by line. */
  readonly log: (line: string) => void;
}

export interface EmbeddedPostgres {
  /** The URL of the database `scripta`. */
  readonly connection: string;
  /** Holds that URL, for others of the same user; so does `instance.json` name it. */
  readonly urlFile: string;
  /** Resolves when the database has ended: unasked, if nobody called `stop`. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

const SETTINGS = {
  fsync: "on",
  synchronous_commit: "on",
  wal_level: "replica",
  max_connections: 200,
  shared_buffers: "128MB",
  jit: "off",
  // A new folder's tables grow from nothing to much in a minute, and without statistics plans for them are guesses.
  autovacuum_naptime: "10s",
  log_checkpoints: "off",
  timezone: "UTC",
  log_timezone: "UTC",
  // After a kill the whole folder is synced first: one call for all of it, where there is one, not one a file.
  ...(process.platform === "linux" ? { recovery_init_sync_method: "syncfs" } : {}),
};
const ENDING_MS = 10_000;

const exists = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

/**
 * Starts the data folder's own PostgreSQL, made on the first start; it ends at most 5 s after this process, however that
 * ends. What a killed process left running is ended first, so take the folder's lock before.
 */
export async function startEmbedded({ dataFolder, log }: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const user = databaseUser();
  const [binaries, folder] = await Promise.all([postgresBinaries(user), clusterFolder(dataFolder, user)]);
  const ownerFile = join(dataFolder, "postgres.owner");
  await own(ownerFile);

  const urlFile = join(dataFolder, "postgres.url");
  const cluster = join(folder, "cluster");
  const isNew = !(await exists(cluster));
  const password = isNew ? randomBytes(24).toString("hex") : await passwordIn(urlFile);
  if (isNew) {
    const half = join(folder, "cluster.new");
    await rm(half, { recursive: true, force: true });
    await mkdir(half, { mode: 0o700 });
    if (user) await chown(half, user.uid, user.gid);
    await makeCluster(binaries, user, half, password, { durable: true });
    await write(urlFile, urlOf(0, password));
    await rename(half, cluster);
  }
  await endLeftover(cluster, log);
  const server = await startWhenFree({ binaries, user, folder: cluster, settings: SETTINGS, log });
  const connection = urlOf(server.port, password);
  await write(urlFile, connection);
  await makeDatabase(urlOf(server.port, password, "postgres"));
  const stop = async () => {
    await server.stop();
    // This process may go on, and another take the folder.
    await rm(ownerFile, { force: true });
  };
  return { connection, urlFile, ended: server.ended, stop };
}

const urlOf = (port: number, password: string, database = "scripta") =>
  `postgres://scripta:${password}@127.0.0.1:${port}/${database}`;

/** @throws when another process that lives has started this database */
async function own(file: string): Promise<void> {
  const before = await readFile(file, "utf8").catch(() => undefined);
  const owner = before === undefined ? undefined : ProcessIdentity.parse(JSON.parse(before));
  if (owner && owner.pid !== process.pid && isAlive(owner))
    throw new Error(`the database in this folder belongs to the running process ${owner.pid}`);
  await write(file, JSON.stringify(thisProcess()));
}

async function write(file: string, content: string): Promise<void> {
  await writeFile(`${file}.new`, content, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

async function passwordIn(urlFile: string): Promise<string> {
  const url = z.url().safeParse(await readFile(urlFile, "utf8").catch(() => undefined));
  if (!url.success) throw new Error(`${urlFile} is gone or damaged, and with it the database's password: put it back`);
  return new URL(url.data).password;
}

/** What is left of a database that was killed hard may hold the folder for a moment. */
async function startWhenFree(options: ServerOptions): Promise<PostgresServer> {
  const deadline = performance.now() + ENDING_MS;
  for (;;) {
    try {
      return await startServer(options);
    } catch (error) {
      if (!(error instanceof FolderInUse) || performance.now() > deadline) throw error;
      await delay(100);
    }
  }
}

async function makeDatabase(connection: string): Promise<void> {
  const admin = openDatabase(connection, { max: 1 });
  try {
    const { rowCount } = await admin.query("select from pg_database where datname = 'scripta'");
    if (rowCount === 0) await admin.query("create database scripta");
  } finally {
    await admin.close();
  }
}
