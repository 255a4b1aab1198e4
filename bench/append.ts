import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { from as copyFrom } from "pg-copy-streams";
import { type StreamId, streamId } from "../domain/ids.ts";
import { logMigrations } from "../infra/eventLog/migrations.ts";
import { PostgresEventLog } from "../infra/eventLog/postgresEventLog.ts";
import type { NewCommand } from "../infra/ports/eventLog.ts";
import { openDatabase, openPool } from "../infra/postgres/database.ts";
import { startEmbedded } from "../infra/postgres/embedded.ts";
import { migrate } from "../infra/postgres/migrate.ts";
import { compare, keep, timed } from "./harness.ts";

const CONVERSATIONS = 64;
const SINGLE_ROW_CONNECTIONS = 16;
const EVENTS = Number(process.env.BENCH_EVENTS ?? 32_768);

const COLUMNS = [
  "position", "recorded_at", "stream_no", "revision", "command", "command_at", "actor", "payload_hash", "target", "type",
  "version", "data", "meta", "subject", "bucket", "sealed",
] as const; // biome-ignore format: one line reads better

/** What sending a message of some 100 characters writes. */
function sentMessage(seq: number, author: string): NewCommand {
  const messageId = randomUUID();
  const deviceId = randomUUID();
  const data = {
    target: messageId,
    seq,
    authorId: author,
    kind: "text",
    replyTo: null,
    threadRoot: null,
    mentions: [],
  };
  const meta = { commandId: messageId, correlationId: randomUUID(), causationId: null, actorId: author, deviceId,
    occurredAt: "2026-11-21T10:00:00.000Z", traceparent: null }; // biome-ignore format: as it is
  return {
    commandId: messageId,
    actorId: author,
    payloadHash: randomBytes(32),
    events: [
      {
        type: "MessageSent",
        version: 1,
        target: messageId,
        data: JSON.stringify(data),
        meta: JSON.stringify(meta),
        sealed: {
          subject: author,
          bucket: "2026-11-21",
          commitment: randomBytes(32),
          nonce: randomBytes(12),
          ciphertext: randomBytes(130),
        },
      },
    ],
  };
}

/** Each conversation's appends, in order; each of `perAppend` commands with one event. */
function workload(perAppend: number): { stream: StreamId; appends: NewCommand[][] }[] {
  const author = randomUUID();
  const appends = EVENTS / CONVERSATIONS / perAppend;
  return Array.from({ length: CONVERSATIONS }, () => ({
    stream: streamId("main", "conversation", randomUUID()),
    appends: Array.from({ length: appends }, (_, n) =>
      Array.from({ length: perAppend }, (_, m) => sentMessage(n * perAppend + m + 1, author)),
    ),
  }));
}

type Workload = ReturnType<typeof workload>;

const RECORDED_AT = 1_763_719_200_000;
const hex = (...parts: Uint8Array[]) => `\\x${Buffer.concat(parts).toString("hex")}`;

/** The same rows as the log writes, a bare table's way. */
function* rowsOf(work: Workload, firstPosition: number, firstStreamNo: number): Generator<(string | number | null)[]> {
  let position = firstPosition;
  for (const [at, { appends }] of work.entries())
    for (const [revision, { commandId, actorId, payloadHash, events }] of appends.flat().entries())
      for (const [ordinal, { target, type, version, data, meta, sealed }] of events.entries())
        yield [
          position++, RECORDED_AT, firstStreamNo + at, revision, commandId, ordinal, actorId, hex(payloadHash), target, type,
          version, data, meta, sealed?.subject ?? null, sealed?.bucket ?? null,
          sealed && hex(sealed.commitment, sealed.nonce, sealed.ciphertext),
        ]; // biome-ignore format: a row
}

const copyLine = (row: readonly (string | number | null)[]) =>
  `${row.map((value) => (value === null ? "\\N" : typeof value === "string" ? value.replaceAll("\\", "\\\\") : value)).join("\t")}\n`;

const dataFolder = await mkdtemp(join(tmpdir(), "scripta-bench-"));
const server = await startEmbedded({ dataFolder, log: () => undefined });
const db = openDatabase(server.connection, { max: 4 });
await migrate(db, logMigrations());
await db.query("create table bare (like log.events including all)");
const bare = openPool(server.connection, { max: SINGLE_ROW_CONNECTIONS });
const log = new PostgresEventLog(server.connection);
const streams = { next: 1_000_000 };

async function ours(perAppend: number): Promise<number> {
  const work = workload(perAppend);
  const before = (await log.head()).position;
  const seconds = await timed(() =>
    Promise.all(
      work.map(async ({ stream, appends }) => {
        let revision = -1;
        for (const commands of appends) {
          const outcome = await log.append(stream, revision, commands);
          if (outcome.status !== "ok") throw new Error(`refused: ${outcome.status}`);
          revision += commands.length;
        }
      }),
    ),
  );
  const { position } = await log.head();
  if (position - before !== EVENTS) throw new Error(`the log grew by ${position - before} of ${EVENTS}`);
  for (const { stream, appends } of work) {
    const expected = appends.flat().map(({ commandId }) => commandId);
    const found: string[] = [];
    for await (const event of log.readStream(stream)) found.push(event.commandId);
    if (found.join() !== expected.join()) throw new Error(`${stream} does not hold what was sent, once, in order`);
  }
  return seconds;
}

async function bareRows(insert: (rows: Iterable<(string | number | null)[]>) => Promise<void>): Promise<number> {
  const work = workload(1);
  const { rows } = await db.query<{ head: number }>("select coalesce(max(position), 0) as head from bare");
  const head = rows[0]?.head ?? 0;
  const firstStreamNo = streams.next;
  streams.next += CONVERSATIONS;
  const seconds = await timed(() => insert(rowsOf(work, head + 1, firstStreamNo)));
  const { rowCount } = await db.query("select from bare where position > $1", [head]);
  if (rowCount !== EVENTS) throw new Error(`the bare table grew by ${rowCount} of ${EVENTS}`);
  return seconds;
}

const copy = {
  name: "COPY into a bare table with the same columns and indexes, one transaction",
  turn: () =>
    bareRows(async (rows) => {
      const client = await bare.connect();
      try {
        const lines = function* () {
          let chunk = "";
          for (const row of rows) {
            chunk += copyLine(row);
            if (chunk.length < 65_536) continue;
            yield chunk;
            chunk = "";
          }
          yield chunk;
        };
        await pipeline(lines, client.query(copyFrom(`copy bare (${COLUMNS.join()}) from stdin`)));
      } finally {
        client.release();
      }
    }),
};

const singleRows = {
  name: `${SINGLE_ROW_CONNECTIONS} connections, one prepared INSERT and commit a row`,
  turn: () =>
    bareRows(async (rows) => {
      const iterator = rows[Symbol.iterator]();
      const text = `insert into bare (${COLUMNS.join()}) values (${COLUMNS.map((_, at) => `$${at + 1}`).join()})`;
      const inserter = async () => {
        for (let next = iterator.next(); !next.done; next = iterator.next())
          await bare.query({ name: "insert", text, values: next.value });
      };
      await Promise.all(Array.from({ length: SINGLE_ROW_CONNECTIONS }, inserter));
    }),
};

const results = [];
for (const perAppend of [1, 2, 8]) {
  const batch = CONVERSATIONS * perAppend;
  results.push(
    await compare({
      title: `append: ${EVENTS} events of ${CONVERSATIONS} conversations, ${perAppend} an append (batches to ${batch}); PostgreSQL embedded, fsync on; one process`,
      unit: "events",
      size: EVENTS,
      ours: { name: "the log", turn: () => ours(perAppend) },
      baselines: process.env.BENCH_QUICK ? [copy] : [copy, singleRows],
      pairs: Number(process.env.BENCH_PAIRS ?? 5),
    }),
  );
}
keep("append", results);

await log.close();
await bare.end();
await db.close();
await server.stop();
const cluster = await realpath(join(dataFolder, "postgres"));
await rm(cluster, { recursive: true, force: true });
await rm(dataFolder, { recursive: true, force: true });
