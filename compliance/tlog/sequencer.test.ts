import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { streamId, uuidV5 } from "../../domain/ids.ts";
import { systemClock } from "../../infra/clock.ts";
import { MemoryEventLog } from "../../infra/eventLog/memoryEventLog.ts";
import { fileLogSigner } from "../../infra/keys/fileLogSigner.ts";
import { memorySecretStore } from "../../infra/keys/memorySecretStore.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import { InconsistentLog, type LogSigner } from "../../infra/ports/logSigner.ts";
import { migrate } from "../../infra/postgres/migrate.ts";
import { createSealing } from "../../sealing/sealing.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { hexOf } from "../verifier/bytes.ts";
import { type Checkpoint, openCheckpoint } from "../verifier/checkpoint.ts";
import { Edge } from "../verifier/edge.ts";
import { consistent, type Hash, includes, leafHash } from "../verifier/merkle.ts";
import { parseVerifierKey } from "../verifier/note.ts";
import { newestCheckpoint } from "./checkpoints.ts";
import { tlogMigrations } from "./migrations.ts";
import { createSequencer, type Sequencer } from "./sequencer.ts";
import { resumeSequencing } from "./sequencing.ts";
import { consistencyProof, inclusionProof } from "./tree.ts";

const ORIGIN = "log.example/unit";
const sealing = createSealing({ secrets: memorySecretStore() });
let folder: string;
const databases: FreshDatabase[] = [];
const running: Sequencer[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-signer-"));
});
afterEach(async () => {
  for (const sequencer of running.splice(0)) await sequencer.stop();
  for (const database of databases.splice(0)) await database.drop();
  await rm(folder, { recursive: true });
});

async function aDatabase() {
  const made = await freshDatabase();
  databases.push(made);
  await migrate(made.database, tlogMigrations());
  return made.database;
}

/** Appends events to a few streams, all the same for the same words. */
async function write(log: EventLog, words: readonly string[]): Promise<EventLog> {
  for (const word of words) {
    const stream = streamId("main", "user", uuidV5(`stream ${word.length % 3}`));
    const command = { commandId: uuidV5(word), actorId: null, payloadHash: new Uint8Array(32) };
    const event = { type: "Said", version: 1, target: null, data: JSON.stringify({ word }), meta: "{}", sealed: null };
    await log.append(stream, await log.revision(stream), [{ ...command, events: [event] }]);
  }
  return log;
}
const words = (count: number, say = "word"): string[] => Array.from({ length: count }, (_, n) => `${say} ${n}`);
const at = { now: () => Date.UTC(2026, 10, 21) };

/** A sequencer as a process has it, with what it was told. */
function aSequencer(
  database: Awaited<ReturnType<typeof aDatabase>>,
  log: EventLog,
  signer: LogSigner = fileLogSigner(folder, systemClock),
) {
  const problems: unknown[] = [];
  const refusals: InconsistentLog[] = [];
  const sequencer = createSequencer({
    database,
    log,
    sealing,
    signer,
    name: ORIGIN,
    onProblem: (problem) => problems.push(problem),
    onRefused: (refusal) => refusals.push(refusal),
  });
  running.push(sequencer);
  sequencer.start();
  return { sequencer, problems, refusals };
}
const signedSize = async (database: Awaited<ReturnType<typeof aDatabase>>) =>
  (await newestCheckpoint(database, ORIGIN))?.size;
const until = (what: () => Promise<unknown>, value: unknown) =>
  expect.poll(what, { timeout: 8_000, interval: 30 }).toBe(value);

test("entries follow the log, and each batch is proven to be in the tree and to go on from the one before", async () => {
  const database = await aDatabase();
  const log = await write(new MemoryEventLog(at), words(600));
  const sequencing = await resumeSequencing({ database, log, sealing });
  const edges: Edge[] = [];
  const batch: Parameters<typeof sequencing.add>[0][number][] = [];
  for await (const event of log.readAll(0)) {
    batch.push(event);
    if (batch.length < 97) continue;
    await sequencing.add(batch.splice(0));
    edges.push(sequencing.edge);
  }
  const { rows } = await database.query<{ leaf: Buffer }>("select leaf from tlog.entries order by index");
  const leaves = rows.map(({ leaf }) => leaf);
  const last = { size: sequencing.edge.size, root: sequencing.edge.root() };
  expect(last.size).toBe(582);
  expect(hexOf(last.root)).toBe(hexOf(edgeOf(leaves).root()));
  for (const edge of edges) {
    const earlier = { size: edge.size, root: edge.root() };
    expect(consistent(earlier, last, await consistencyProof(database, earlier.size, last.size))).toBe(true);
  }
  for (const index of [0, 1, 255, 256, 511, 512, 580, 581]) {
    const path = await inclusionProof(database, index, last.size);
    expect(includes(leaves[index] ?? new Uint8Array(), index, last.size, path, last.root)).toBe(true);
  }
  const resumed = await resumeSequencing({ database, log, sealing });
  expect(hexOf(resumed.edge.root())).toBe(hexOf(last.root));
});

const edgeOf = (leaves: readonly Hash[]): Edge => {
  const edge = new Edge();
  for (const leaf of leaves) edge.append(leaf);
  return edge;
};

test("the tables are made again from the log alone, and what is signed goes on", async () => {
  const database = await aDatabase();
  const log = await write(new MemoryEventLog(at), words(30));
  const first = aSequencer(database, log);
  await until(() => signedSize(database), 30);
  await first.sequencer.stop();
  const before = (await newestCheckpoint(database, ORIGIN))?.note;
  await database.query("truncate tlog.entries, tlog.roots, tlog.checkpoints");
  const second = aSequencer(database, log);
  await until(() => signedSize(database), 30);
  expect((await newestCheckpoint(database, ORIGIN))?.note).toBe(before);
  expect(second).toMatchObject({ problems: [], refusals: [] });
});

test("fault 25: of two sequencers one signs, and the other goes on where it ends", async () => {
  const database = await aDatabase();
  const log = await write(new MemoryEventLog(at), words(20));
  const [one, other] = [aSequencer(database, log), aSequencer(database, log)];
  await until(() => signedSize(database), 20);
  await one.sequencer.stop();
  await write(log, words(20, "later"));
  await until(() => signedSize(database), 40);
  expect([...one.refusals, ...other.refusals, ...one.problems, ...other.problems]).toEqual([]);
  const { rows } = await database.query("select index from tlog.entries");
  expect(rows).toHaveLength(40);
});

test("fault 25: two sequencers of copies that went apart never sign both", async () => {
  const [database, copy] = [await aDatabase(), await aDatabase()];
  const log = await write(new MemoryEventLog(at), [...words(10), ...words(5, "here")]);
  const forked = await write(new MemoryEventLog(at), [...words(10), ...words(9, "elsewhere")]);
  aSequencer(database, log);
  await until(() => signedSize(database), 15);
  const second = aSequencer(copy, forked);
  await until(async () => second.refusals.length > 0, true);
  expect(await signedSize(copy)).toBeUndefined();
  expect(second.refusals[0]?.message).toMatch(/does not begin with the 15 that were signed/);
});

test("fault 25: a database that was set back is not signed, and a signer that was set back contradicts nothing", async () => {
  const database = await aDatabase();
  const log = await write(new MemoryEventLog(at), words(12));
  const before = aSequencer(database, log);
  await until(() => signedSize(database), 12);
  await cp(folder, `${folder}.old`, { recursive: true });
  await write(log, words(8, "later"));
  await until(() => signedSize(database), 20);
  await before.sequencer.stop();
  const signedBefore = await fileLogSigner(folder, systemClock).last(ORIGIN);

  const setBack = await aDatabase();
  const behind = aSequencer(setBack, await write(new MemoryEventLog(at), words(12)));
  await until(async () => behind.refusals.length > 0, true);
  expect(behind.refusals[0]?.message).toBe("the log has 12 entries, and was signed with 20");
  await behind.sequencer.stop();

  // The signer knows of 12 entries, the tables of 20: what the tables say was signed counts, too.
  const oldSigner = fileLogSigner(`${folder}.old`, systemClock);
  await database.query("update tlog.entries set leaf = sha256(leaf) where index = 15");
  const altered = aSequencer(database, log, oldSigner);
  await until(async () => altered.refusals.length > 0, true);
  expect(altered.refusals[0]?.message).toBe("the first 20 of 20 entries are not those that were signed");
  await until(async () => (await oldSigner.last(ORIGIN))?.size, 20);
  expect(await oldSigner.last(ORIGIN)).toEqual(signedBefore);
  await altered.sequencer.stop();
  await rm(`${folder}.old`, { recursive: true });
});

test("fault 25: however many processes sign at once, what is given out is one history", async () => {
  const key = fileLogSigner(folder, systemClock);
  await key.verifierKeys(ORIGIN);
  const given: Checkpoint[] = [];
  const verifiers = (await key.verifierKeys(ORIGIN)).map(parseVerifierKey);
  const leavesOf = (who: number) => Array.from({ length: 40 }, (_, n) => leafHash(Uint8Array.of(n, n < 5 ? 0 : who)));
  await Promise.all(
    [1, 2, 3, 4].map(async (who) => {
      const signer = fileLogSigner(folder, systemClock);
      const leaves = leavesOf(who);
      for (let size = 3; size <= 40; size++) {
        const root = edgeOf(leaves.slice(0, size)).root();
        const proofFrom = async (from: number) => consistencyOf(leaves.slice(0, size), from);
        const note = await signer.signCheckpoint(ORIGIN, { size, root }, proofFrom).catch((error: unknown) => {
          if (error instanceof InconsistentLog) return undefined;
          throw error;
        });
        if (note !== undefined) given.push(await openCheckpoint(note, verifiers));
      }
    }),
  );
  expect(Math.max(...given.map(({ size }) => size))).toBe(40);
  const winner = [1, 2, 3, 4]
    .map(leavesOf)
    .find((leaves) => given.every(({ size, root }) => hexOf(edgeOf(leaves.slice(0, size)).root()) === hexOf(root)));
  expect(winner).toBeDefined();
  expect((await readdir(join(folder, "heads"), { recursive: true })).some((name) => name.endsWith(".new"))).toBe(false);
});

/** @see RFC 6962 §2.1.2 */
function consistencyOf(leaves: readonly Hash[], m: number, whole = true): Hash[] {
  if (m === leaves.length) return whole ? [] : [edgeOf(leaves).root()];
  const k = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return m <= k
    ? [...consistencyOf(leaves.slice(0, k), m, whole), edgeOf(leaves.slice(k)).root()]
    : [...consistencyOf(leaves.slice(k), m - k, false), edgeOf(leaves.slice(0, k)).root()];
}

test("fault 18: a leaf that was altered under what was signed is found, and made anew from the log", async () => {
  const database = await aDatabase();
  const log = await write(new MemoryEventLog(at), words(20));
  const first = aSequencer(database, log);
  await until(() => signedSize(database), 20);
  await first.sequencer.stop();
  const leaf = async () =>
    (await database.query<{ leaf: Buffer }>("select leaf from tlog.entries where index = 7")).rows;
  const before = await leaf();
  await database.query("update tlog.entries set leaf = set_byte(leaf, 3, get_byte(leaf, 3) # 1) where index = 7");
  const second = aSequencer(database, await write(log, words(1, "more")));
  await until(async () => second.refusals.length > 0, true);
  expect(second.refusals[0]?.message).toBe("the first 20 of 20 entries are not those that were signed");
  await until(() => signedSize(database), 21);
  expect(await leaf()).toEqual(before);
  expect(second.refusals).toHaveLength(1);
});

test("a new key signs beside the one before it, so that whoever trusts that one learns of it", async () => {
  const signer = fileLogSigner(folder, systemClock);
  const [old = ""] = await signer.verifierKeys(ORIGIN);
  await signer.rotate();
  const [newest = "", before] = await signer.verifierKeys(ORIGIN);
  expect(before).toBe(old);
  const head = { size: 1, root: leafHash(Uint8Array.of(1)) };
  const note = (await signer.signCheckpoint(ORIGIN, head, async () => [])) ?? "";
  for (const key of [old, newest]) expect((await openCheckpoint(note, [parseVerifierKey(key)])).size).toBe(1);
  await signer.rotate();
  const later = (await signer.signCheckpoint(ORIGIN, head, async () => [])) ?? "";
  await expect(openCheckpoint(later, [parseVerifierKey(old)])).rejects.toThrow("not signed by this key");
  await expect(signer.signNote(ORIGIN, `${ORIGIN}\n2\n${Buffer.alloc(32).toString("base64")}\n`)).rejects.toThrow(
    TypeError,
  );
});
