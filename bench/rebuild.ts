import { spawn } from "node:child_process";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { Pool } from "pg";
import { from as copyFrom, to as copyTo } from "pg-copy-streams";
import { logMigrations } from "../infra/eventLog/migrations.ts";
import { PostgresEventLog } from "../infra/eventLog/postgresEventLog.ts";
import { openDatabase, openPool } from "../infra/postgres/database.ts";
import { startEmbedded } from "../infra/postgres/embedded.ts";
import { migrate } from "../infra/postgres/migrate.ts";
import { installGeneration, installOperations } from "../projections/generations.ts";
import { history } from "../projections/history/projection.ts";
import { inbox } from "../projections/inbox/projection.ts";
import type { Projection } from "../projections/projection.ts";
import { createProjector } from "../projections/projector.ts";
import { rebuild } from "../projections/rebuild/rebuild.ts";
import { receipts } from "../projections/receipts/projection.ts";
import { compare, compareCosts, keep, timed } from "./harness.ts";
import { fillLog } from "./support/chatEvents.ts";
import { run, scriptaPairs } from "./support/pairs.ts";
import { prepare } from "./support/prepare.ts";
import { startScripta } from "./support/server.ts";

const SMALL = Number(process.env.BENCH_SMALL ?? 100_000);
const LARGE = Number(process.env.BENCH_LARGE ?? 1_000_000);
const PAIRS = Number(process.env.BENCH_PAIRS ?? 5);
/** For what a rebuild does to those who write. */
const LIVE_EVENTS = Number(process.env.BENCH_LIVE ?? 200_000);
const SECONDS_A_TURN = Number(process.env.BENCH_SECONDS ?? 15);
const PER_SECOND = 200;
const PAIRS_LIVE = 50;
const models = [inbox, history, receipts];

interface Prepared {
  readonly events: number;
  /** Rebuilds all three, checks that they are equal to the live ones, and swaps. Gives the seconds. */
  rebuildAll(): Promise<number>;
  /** Copies the same rows into the same tables. Gives the seconds. */
  copyAll(): Promise<number>;
  stop(): Promise<void>;
}

/** A database with a log of so many events, whose read models are up to date. */
async function prepareTables(events: number): Promise<Prepared> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "scripta-bench-")));
  const embedded = await startEmbedded({ dataFolder: folder, log: () => {} });
  const database = openDatabase(embedded.connection, { max: 16 });
  const pool = openPool(embedded.connection, { max: 4 });
  await migrate(database, logMigrations());
  const began = performance.now();
  await fillLog(database, events);
  const log = new PostgresEventLog(embedded.connection);
  const { position: head } = await log.head();
  await installOperations(database);
  for (const model of models) await installGeneration(database, model, 1);
  // As if another version had folded them: the first rebuild takes their place without a comparison.
  await database.query("update ops.checkpoints set version = 0");
  const projector = createProjector({ log, database, projections: models, onProblem: console.error });
  await projector.start();
  const rebuildAll = async (outcome: string) => {
    const steps: Record<string, number> = {};
    let [doing, at] = ["", performance.now()];
    const seconds = await timed(async () => {
      const rebuilt = await rebuild({ log, database }, models, {
        onProgress({ doing: now }) {
          steps[doing] = (steps[doing] ?? 0) + performance.now() - at;
          [doing, at] = [now, performance.now()];
        },
      });
      if (rebuilt.some((one) => one.outcome !== outcome)) throw new Error(`not every rebuild was ${outcome}`);
    });
    steps[doing] = (steps[doing] ?? 0) + performance.now() - at;
    const told = Object.entries(steps).map(([step, ms]) => `${step} ${(ms / 1_000).toFixed(1)} s`);
    console.log(`  ${events} events: ${seconds.toFixed(1)} s: ${told.slice(1).join(", ")}`);
    return seconds;
  };
  await rebuildAll("replaced");
  while (!(await projector.waitFor(head, 2_000)));
  const parked = await projector.parked();
  if (parked.length > 0) throw new Error(`the log cannot be folded: ${parked.length} parked, ${parked[0]?.error}`);
  const rows = await dumpTables(pool, folder);
  console.log(
    `${events} events prepared in ${Math.round((performance.now() - began) / 1_000)} s, ${rows.length} tables`,
  );
  return {
    events,
    rebuildAll: () => rebuildAll("swapped"),
    async copyAll() {
      for (const model of models) await makeTables(pool, model);
      const seconds = await timed(async () => {
        for (const { table, file } of rows) await copyIn(pool, table, file);
      });
      for (const { name } of models) {
        const { rows: counted } = await pool.query(countsOf(name));
        for (const { table, here, there } of counted)
          if (here !== there) throw new Error(`${table}: ${here} rows were copied of ${there}`);
        await pool.query(`drop schema copy_${name} cascade`);
      }
      return seconds;
    },
    async stop() {
      await projector.stop();
      await log.close();
      await pool.end();
      await database.close();
      await embedded.stop();
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

const tablesOf: Readonly<Record<string, readonly string[]>> = {
  inbox: ["conversations", "conv_head"],
  history: ["messages", "versions", "reactions", "mentions"],
  receipts: ["marks", "raises"],
};
const countsOf = (name: string) =>
  (tablesOf[name] ?? [])
    .map(
      (table) =>
        `select '${table}' as table, (select count(*) from copy_${name}.${table}) as here, (select count(*) from ${name}.${table}) as there`,
    )
    .join(" union all ");

async function dumpTables(pool: Pool, folder: string) {
  const dumped: { table: string; file: string }[] = [];
  for (const [name, tables] of Object.entries(tablesOf))
    for (const table of tables) {
      const file = join(folder, `${name}-${table}.copy`);
      const client = await pool.connect();
      await pipeline(client.query(copyTo(`copy ${name}.${table} to stdout`)), createWriteStream(file));
      client.release();
      dumped.push({ table: `copy_${name}.${table}`, file });
    }
  return dumped;
}

/** With all their indexes, as they are in service. */
async function makeTables(pool: Pool, { name, schema }: Projection): Promise<void> {
  const sql = await readFile(schema, "utf8");
  await pool.query(`create schema copy_${name}; set search_path to copy_${name}; ${sql}; set search_path to default`);
}

async function copyIn(pool: Pool, table: string, file: string): Promise<void> {
  const client = await pool.connect();
  await client.query("set synchronous_commit = off");
  await pipeline(
    createReadStream(file, { highWaterMark: 1 << 18 }),
    client.query(copyFrom(`copy ${table} from stdin`)),
  );
  client.release();
}

/** Messages of a running service, with and without a rebuild of all read models beside it. */
async function messagesMeanwhile() {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "scripta-bench-")));
  await fillFolder(folder, LIVE_EVENTS);
  // Whoever signs up before the read models are there is told of what came meanwhile by snapshots, which nobody here counts.
  await prepare(folder, async () => {});
  const scripta = await startScripta({ folder });
  const pairs = await scriptaPairs(scripta.url, PAIRS_LIVE);
  const p99 = async (during: () => Promise<void>) => {
    const [{ latencies }] = await Promise.all([run(pairs, 1, SECONDS_A_TURN, PER_SECOND), during()]);
    latencies.sort((one, other) => one - other);
    return latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN;
  };
  let finished = 0;
  const rebuilding = async () => {
    const child = spawn(process.execPath, ["operator/scripta.ts", "rebuild", "--all", "--json"], {
      env: { ...process.env, SCRIPTA_DATA: folder },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const late = setTimeout(() => child.kill("SIGINT"), SECONDS_A_TURN * 1_000);
    const code = await ended;
    clearTimeout(late);
    if (code === 0) finished++;
    else if (code !== 130 && code !== null) throw new Error(`scripta rebuild ended with ${code}`);
  };
  try {
    const compared = await compareCosts({
      title: `From sending to the other device at ${PER_SECOND} messages a second, p99: while a rebuild of all read models from ${LIVE_EVENTS} events runs, and without; fsync on; one server process`,
      unit: "ms",
      pairs: PAIRS,
      ours: { name: "while a rebuild runs", turn: () => p99(rebuilding) },
      baselines: [{ name: "without", turn: () => p99(async () => {}) }],
    });
    console.log(`${finished} rebuilds came to their end in these ${PAIRS + 1} turns`);
    return compared;
  } finally {
    for (const { sender, receiver } of pairs) for (const socket of [sender, receiver]) socket.close();
    await scripta.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** A data folder with a log that others left, before a server starts on it. */
async function fillFolder(folder: string, events: number): Promise<void> {
  const embedded = await startEmbedded({ dataFolder: folder, log: () => {} });
  const database = openDatabase(embedded.connection);
  await migrate(database, logMigrations());
  await fillLog(database, events);
  await database.close();
  await embedded.stop();
}

const meanwhile = await messagesMeanwhile();
const small = await prepareTables(SMALL);
const large = await prepareTables(LARGE);
try {
  const against = await compare({
    title: `history, inbox and receipts rebuilt from ${LARGE} events of ${Math.ceil(LARGE / 1_000)} conversations, compared and swapped; fsync on; one process and its database`,
    unit: "events",
    size: LARGE,
    pairs: PAIRS,
    ours: { name: "rebuild", turn: large.rebuildAll },
    baselines: [{ name: "COPY of the same rows into the same tables with their indexes", turn: large.copyAll }],
  });
  const perEvent = ({ events, rebuildAll }: Prepared) => ({
    name: `${events} events`,
    turn: async () => ((await rebuildAll()) / events) * 1_000_000,
  });
  const growth = await compareCosts({
    title: "The same rebuild, a log ten times as long",
    unit: "µs an event",
    pairs: PAIRS,
    ours: perEvent(large),
    baselines: [perEvent(small)],
  });
  keep("rebuild", [against, growth, meanwhile]);
} finally {
  await Promise.all([small.stop(), large.stop()]);
}
process.exit(0);
