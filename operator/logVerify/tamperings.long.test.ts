import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keepCheckpoint } from "../../compliance/tlog/checkpoints.ts";
import { resumeSequencing } from "../../compliance/tlog/sequencing.ts";
import { followLog } from "../../compliance/verifier/followLog.ts";
import { parseVerifierKey, type VerifierKey } from "../../compliance/verifier/note.ts";
import { systemClock } from "../../infra/clock.ts";
import { fileLogSigner } from "../../infra/keys/fileLogSigner.ts";
import { apiOf, group, send } from "../../test/support/apiClient.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { logSource } from "./logSource.ts";

const ORIGIN = "log.example/tampered";
const MESSAGES = 300;

let server: Awaited<ReturnType<typeof startInProcess>>;
let folder: string;
/** All that the auditor has: the key, and the checkpoint that was seen last. */
let keys: VerifierKey[];
let seen: string;
let size: number;
/** Seen by whoever came when the log was shorter. */
let seenBefore: { note: string; size: number };
/** Entries of messages of two conversations. */
let here: number;
let there: number;

const database = () => server.running.foundation.database;
const sql = (text: string) => database().query(text);
const followed = (lastNote = seen) => followLog(logSource(server.url, undefined), keys, lastNote);

/** The log once its checkpoint covers all that is committed. */
async function whole() {
  const until = performance.now() + 20_000;
  for (;;) {
    const { rows } = await database().query<{ events: number }>("select count(*) as events from log.events");
    const found = await followLog(logSource(server.url, undefined), keys);
    if (found.checkpoint.size === rows[0]?.events) return found;
    if (performance.now() > until) throw new Error("the checkpoint does not come to the end of the log");
    await pause(100);
  }
}

async function entryOf({ position }: { position: number }): Promise<number> {
  const found = await database().query<{ index: number }>("select index from tlog.entries where position = $1", [
    position,
  ]);
  const [row] = found.rows;
  if (!row) throw new Error(`position ${position} has no entry`);
  return row.index;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-tamperings-"));
  server = await startInProcess({ SCRIPTA_ORIGIN: ORIGIN });
  const api = apiOf(server.url);
  const [ada, bo] = [await api.person("ada"), await api.person("bo")];
  const [one, other] = [await group(ada, [bo], "one"), await group(ada, [bo], "other")];
  keys = [parseVerifierKey(await (await fetch(`${server.url}/tlog/key`)).text())];
  const first = await Promise.all(Array.from({ length: MESSAGES }, (_, n) => send(ada, one, `take ${n} mg`)));
  const before = await whole();
  seenBefore = { note: before.note, size: before.checkpoint.size };
  const [second] = await Promise.all([send(bo, other, "and 5 at night"), send(bo, other, "not more")]);
  const { note, checkpoint } = await whole();
  [seen, size] = [note, checkpoint.size];
  here = await entryOf(first[100] ?? second);
  there = await entryOf(second);
}, 120_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const tables = ["log.events", "log.streams", "tlog.entries", "tlog.roots", "tlog.checkpoints"];
const copyOf = (table: string) => `kept.${table.replace(".", "_")}`;
const eventAt = (index: number) => `position = (select position from tlog.entries where index = ${index})`;
const flipped = (column: string) => `${column} = set_byte(${column}, 0, get_byte(${column}, 0) # 1)`;
const alterText = () =>
  sql(`update log.events set sealed = set_byte(sealed, 50, get_byte(sealed, 50) # 1)
  where ${eventAt(here)}`);

/** Makes the tables of the tree anew of the log as it lies there now, as whoever has the database and the tenants' keys can. */
async function remakeTree() {
  await sql("truncate tlog.entries, tlog.roots");
  const { foundation } = server.running;
  const sequencing = await resumeSequencing(foundation);
  const events = [];
  for await (const event of foundation.log.readAll(0)) events.push(event);
  await sequencing.add(events);
  return { size: sequencing.edge.size, root: sequencing.edge.root() };
}

async function signedBy(keysFolder: string) {
  const head = await remakeTree();
  const note = await fileLogSigner(keysFolder, systemClock).signCheckpoint(ORIGIN, head, async () => []);
  if (note === undefined) throw new Error("it was not signed");
  await keepCheckpoint(database(), ORIGIN, { size: head.size, note });
}

/** Swaps what stands in these columns of the events of two entries. */
const swap = async (columns: string) => {
  await sql(`create table kept.two as select * from log.events where ${eventAt(here)} or ${eventAt(there)}`);
  await sql(`delete from log.events where position in (select position from kept.two)`);
  const own = (name: string) => (columns.split(", ").includes(name) ? `b.${name}` : `a.${name}`);
  const { rows } = await database().query<{ name: string }>(
    "select attname as name from pg_attribute where attrelid = 'log.events'::regclass and attnum > 0 order by attnum",
  );
  await sql(`insert into log.events select ${rows.map(({ name }) => own(name)).join(", ")}
    from kept.two a join kept.two b on a.position <> b.position`);
};

const cutTail = async (from: number) => {
  await sql(`delete from log.events where position in (select position from tlog.entries where index >= ${from})`);
  await sql(`delete from tlog.entries where index >= ${from}`);
};

const NOT_THE_TREE = "it is not what the tree has there";
const tamperings: Readonly<Record<string, { do(): Promise<unknown>; said(): string }>> = {
  "alters a message's text": { do: alterText, said: () => `entry ${here}: ${NOT_THE_TREE}` },
  "takes an event out": {
    do: () => sql(`delete from log.events where ${eventAt(here)}`),
    said: () => `entry ${here}: ${NOT_THE_TREE}`,
  },
  "puts another event in its place": {
    do: async () => {
      await sql(`update log.events set position = -1 where ${eventAt(here)}`);
      await sql(`insert into log.events select (select position from tlog.entries where index = ${here}), recorded_at, stream_no,
        1000000, gen_random_uuid(), 0, actor, payload_hash, target, type, version, data, meta, subject, bucket, sealed
        from log.events where ${eventAt(there)}`);
    },
    said: () => `entry ${here}: ${NOT_THE_TREE}`,
  },
  "lets two events change places in time": { do: () => swap("position"), said: () => `entry ${here}: ${NOT_THE_TREE}` },
  "swaps a message between two conversations": {
    do: () => swap("stream_no, revision"),
    said: () => `entry ${here}: ${NOT_THE_TREE}`,
  },
  "swaps the sealed bytes of two messages": {
    do: () => swap("subject, bucket, sealed"),
    said: () => `entry ${here}: ${NOT_THE_TREE}`,
  },
  "gives a conversation the name of another": {
    do: () =>
      sql(`update log.streams set stream = left(stream, -4) || 'beef'
      where stream_no = (select stream_no from log.events where ${eventAt(there)})`),
    said: () => "it is not what the tree has there",
  },
  "alters the row of a leaf": {
    do: () => sql(`update tlog.entries set ${flipped("leaf")} where index = ${here}`),
    said: () => `entry ${here}: ${NOT_THE_TREE}`,
  },
  "alters what ties an event to the one before it": {
    do: () => sql(`update tlog.entries set ${flipped("link")} where index = ${here}`),
    said: () => `entry ${here}: ${NOT_THE_TREE}`,
  },
  "takes the row of a leaf out": {
    do: () => sql(`delete from tlog.entries where index = ${here}`),
    said: () => "entries 0…: 255 instead of 256",
  },
  "alters a tile above the leaves": {
    do: () => sql(`update tlog.roots set ${flipped("hash")} where level = 1 and n = 0`),
    said: () => "tile/1/000.p/1: its hash 0 is not that of the tile below",
  },
  "alters a message and makes leaves and tiles anew": {
    do: async () => {
      await alterText();
      await remakeTree();
    },
    said: () => `the tree of ${size} entries is not that of `,
  },
  "alters the size of the checkpoint": {
    do: () =>
      sql(`update tlog.checkpoints set size = size - 1, note = replace(note, E'\\n${size}\\n', E'\\n${size - 1}\\n')`),
    said: () => "the checkpoint is not signed by this key",
  },
  "cuts the tail off": {
    do: () => cutTail(size - 1),
    said: () => `entries 256…: ${size - 257} instead of ${size - 256}`,
  },
  "cuts the tail off and puts the checkpoint of that time back": {
    do: async () => {
      await cutTail(seenBefore.size);
      await keepCheckpoint(database(), ORIGIN, seenBefore);
      await database().query("update tlog.checkpoints set size = $1, note = $2", [seenBefore.size, seenBefore.note]);
    },
    said: () => `the log has shrunk: ${seenBefore.size} entries, and ${size} when it was seen last`,
  },
  "rewrites all of it and signs it with another key": {
    do: async () => {
      await alterText();
      await signedBy(join(folder, "another"));
    },
    said: () => "the checkpoint is not signed by this key",
  },
  "rewrites all of it and signs it with the log's own key, which forgot what it signed": {
    do: async () => {
      await alterText();
      await cp(join(server.dataFolder, "keys", "tlog", "keys"), join(folder, "own", "keys"), { recursive: true });
      await signedBy(join(folder, "own"));
    },
    said: () => `the tree of ${size} entries is not that of the checkpoint that was seen last`,
  },
};

test.each(Object.keys(tamperings))(
  "whoever %s is found out by an auditor who has the key and the checkpoint that was seen last",
  async (what) => {
    await sql("create schema kept");
    for (const table of tables) await sql(`create table ${copyOf(table)} as select * from ${table}`);
    try {
      await tamperings[what]?.do();
      const fault = await followed().then(
        () => "intact",
        (error: unknown) => (error instanceof Error ? error.message : error),
      );
      expect(fault).toContain(tamperings[what]?.said());
    } finally {
      await sql(`truncate ${tables.join(", ")}`);
      for (const table of tables)
        await sql(`insert into ${table} overriding system value select * from ${copyOf(table)}`);
      await sql("drop schema kept cascade");
    }
    expect((await followed()).checkpoint.size).toBe(size);
  },
);
