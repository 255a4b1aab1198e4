import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemberRoleChanged } from "../../domain/conversation/events.ts";
import { streamId } from "../../domain/ids.ts";
import { chatLog } from "../../test/support/chatLog.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { anyStep, randomChat } from "../../test/support/randomChat.ts";
import { caughtUp, dump, startProjector } from "../../test/support/readModels.ts";
import { projections } from "../all.ts";
import { checkpoints, dropGeneration } from "../generations.ts";
import { history } from "../history/projection.ts";
import { inbox } from "../inbox/projection.ts";
import type { Projection } from "../projection.ts";
import type { Committed } from "../projector.ts";
import { receipts } from "../receipts/projection.ts";
import { hashes } from "./compare.ts";
import { RebuildGivenUp, RebuildRunning, RebuildStopped } from "./faults.ts";
import { type Progress, type RebuildOptions, rebuild } from "./rebuild.ts";
import { renewStale } from "./renew.ts";
import { swap } from "./swap.ts";

let db: FreshDatabase;
beforeEach(async () => {
  db = await freshDatabase();
});
afterEach(() => db.drop());

const dumpAll = () => Promise.all(projections.map(({ name }) => dump(db.database, name)));
const hashAll = () => Promise.all(projections.map(({ name }) => hashes(db.database, name)));
const schemas = async () => (await checkpoints(db.database)).map(({ schema }) => schema);
const steps = (seed: number, length: number) =>
  fc.sample(fc.array(anyStep, { minLength: length, maxLength: length }), { numRuns: 1, seed }).flat();

async function aChat(seed: number, length: number, which: readonly Projection[] = projections) {
  const chat = chatLog();
  const people = [await chat.person("ada"), await chat.person("bo"), await chat.person("cy")];
  const random = randomChat(chat, people);
  await random.play(steps(seed, length));
  const projector = await startProjector(chat.log, db.database, which);
  await caughtUp(projector, chat.log);
  const parts = { log: chat.log, database: db.database };
  return {
    chat,
    random,
    people,
    projector,
    run: (which: readonly Projection[] = projections, options: RebuildOptions = {}) => rebuild(parts, which, options),
    /** What the log gives to somebody who begins with nothing. */
    async anew() {
      await db.database.query(
        `${projections.map(({ name }) => `drop schema if exists ${name} cascade`).join(";")}; drop schema ops cascade`,
      );
      const fresh = await startProjector(chat.log, db.database);
      await caughtUp(fresh, chat.log);
      await fresh.stop();
      return dumpAll();
    },
  };
}

/** Says and does things until it is stopped. */
function writing({ random }: Pick<Awaited<ReturnType<typeof aChat>>, "random">) {
  let on = true;
  const done = (async () => {
    for (let seed = 1_000; on; seed++) {
      await random.play(steps(seed, 2));
      await pause(5);
    }
  })();
  return async () => {
    on = false;
    await done;
  };
}

describe("a rebuild", () => {
  test("gives every read model the same bytes, while people go on writing", async () => {
    const scene = await aChat(1, 300);
    const stop = writing(scene);
    const rebuilt = await scene.run(projections, { batchSize: 100 });
    expect(rebuilt.map(({ outcome }) => outcome)).toEqual(projections.map(() => "swapped"));
    expect(rebuilt.flatMap(({ tables }) => tables.map(({ rows }) => rows)).some((rows) => rows > 50)).toBe(true);
    await pause(50);
    await stop();
    await caughtUp(scene.projector, scene.chat.log);
    expect(await schemas()).toEqual(["history", "inbox", "members", "people", "receipts"]);
    const live = await dumpAll();
    await scene.projector.stop();
    expect(scene.projector.problems).toEqual([]);
    expect(await scene.anew()).toEqual(live);
  });

  test("gives each table the hash that it had, where nobody writes", async () => {
    const { run, projector } = await aChat(2, 200);
    const [before, rows] = [await hashAll(), await dumpAll()];
    await run();
    expect(await hashAll()).toEqual(before);
    expect(await dumpAll()).toEqual(rows);
    await projector.stop();
  });

  test("makes what folding does without in the end: the same indexes and constraints", async () => {
    const { run, projector } = await aChat(3, 20);
    const indexes = async () =>
      (
        await db.database.query(
          "select indexdef from pg_indexes where schemaname = any($1::text[]) order by schemaname, indexname",
          [projections.map(({ name }) => name)],
        )
      ).rows;
    const before = await indexes();
    await run();
    expect(await indexes()).toEqual(before);
    expect(before.length).toBeGreaterThan(15);
    await projector.stop();
  });

  test("is refused by name while another rebuilds the same read model; another one is not", async () => {
    const { run, projector } = await aChat(4, 60);
    const began = Promise.withResolvers<void>();
    const first = run([history, inbox], { batchSize: 20, restMs: 30, onProgress: () => began.resolve() });
    await began.promise;
    await expect(run([receipts, inbox])).rejects.toThrow(
      new RebuildRunning("inbox is being rebuilt already: wait for it, or give it up"),
    );
    expect((await run([receipts])).map(({ outcome }) => outcome)).toEqual(["swapped"]);
    expect((await first).map(({ outcome }) => outcome)).toEqual(["swapped", "swapped"]);
    await projector.stop();
  });

  test("that was stopped goes on from where it was", async () => {
    const { run, projector } = await aChat(5, 100);
    const before = await dumpAll();
    const stopping = new AbortController();
    const onProgress = ({ events }: Progress) => events > 0 && stopping.abort();
    await expect(run([history], { batchSize: 30, signal: stopping.signal, onProgress })).rejects.toThrow(
      RebuildStopped,
    );
    expect(await dumpAll()).toEqual(before);
    const positions: number[] = [];
    const [done] = await run([history], { onProgress: ({ position }) => void positions.push(position) });
    expect(positions[0]).toBeGreaterThanOrEqual(30);
    expect(done?.outcome).toBe("swapped");
    expect(await dumpAll()).toEqual(before);
    await projector.stop();
  });

  test("that is given up leaves nothing, whether it runs or moves along already", async () => {
    const scene = await aChat(6, 100);
    const began = Promise.withResolvers<void>();
    const running = scene.run([history], {
      batchSize: 20,
      restMs: 30,
      onProgress: ({ events }) => events > 0 && began.resolve(),
    });
    await began.promise;
    const [outcome] = await Promise.all([
      running.catch((error: unknown) => error),
      dropGeneration(db.database, "history__next"),
    ]);
    expect(outcome).toBeInstanceOf(RebuildGivenUp);

    await db.database.query("update history.messages set kind = 'wrong' where seq = 1");
    const stop = writing(scene);
    expect((await scene.run([history])).map(({ outcome }) => outcome)).toEqual(["differs"]);
    expect(await schemas()).toContain("history__next");
    await pause(50);
    expect(await dropGeneration(db.database, "history__next")).toBe(true);
    await pause(50);
    await stop();
    await caughtUp(scene.projector, scene.chat.log);
    expect(await schemas()).toEqual(["history", "inbox", "members", "people", "receipts"]);
    expect((await db.database.query("select 1 from pg_namespace where nspname like '%\\_\\_%'")).rowCount).toBe(0);
    await scene.projector.stop();
    expect(scene.projector.problems).toEqual([]);
  });
});

test("two generations that stand apart are not swapped", async () => {
  const { run, projector } = await aChat(13, 40);
  await db.database.query("update history.messages set kind = 'wrong' where seq = 1");
  expect((await run([history])).map(({ outcome }) => outcome)).toEqual(["differs"]);
  await projector.stop();
  const move = (by: number) =>
    db.database.query("update ops.checkpoints set position = position + $1 where schema = 'history__next'", [by]);
  const how = { standsStill: false, signal: new AbortController().signal };
  await move(-1);
  expect(await swap(db.database, history, how)).toBe(false);
  await move(1);
  expect(await swap(db.database, history, how)).toBe(true);
});

test("whoever reads in a snapshot from before a rebuild never finds it half built", async () => {
  const { run, projector } = await aChat(12, 100);
  const [swapping, read] = [Promise.withResolvers<void>(), Promise.withResolvers<number>()];
  const reading = db.database.transaction(async (tx) => {
    await tx.query("select 1 from inbox.conversations");
    read.resolve(0);
    await swapping.promise;
    // Nothing of history was looked at yet, so no lock is in the way of a swap.
    await pause(300);
    return (await tx.query("select 1 from history.messages")).rowCount;
  }, "snapshot");
  await read.promise;
  const running = run([history], { onProgress: ({ doing }) => doing === "swapping" && swapping.resolve() });
  expect(await reading).toBe((await db.database.query("select 1 from history.messages")).rowCount);
  expect((await running).map(({ outcome }) => outcome)).toEqual(["swapped"]);
  await projector.stop();
});

describe("rows that are other than the log gives", () => {
  const plant = () =>
    db.database.query(
      `update history.messages set kind = 'wrong' where seq = 2;
       delete from receipts.marks where user_id = (select min(user_id::text)::uuid from receipts.marks)`,
    );

  test("are shown one by one, and verifying changes nothing", async () => {
    const { run, projector } = await aChat(7, 100);
    const right = (await dump(db.database, "history")).messages;
    await plant();
    const before = await dumpAll();
    const rebuilt = await run([history, inbox, receipts], { verifyOnly: true });
    expect(rebuilt.map(({ outcome }) => outcome)).toEqual(["differs", "equal", "differs"]);
    const [ofHistory, , ofReceipts] = rebuilt;
    const wrong = (await dump(db.database, "history")).messages?.filter((row) => !right?.includes(row)) ?? [];
    expect(wrong.length).toBeGreaterThan(0);
    expect(ofHistory?.differences.map(({ live }) => live).sort()).toEqual([...wrong].sort());
    for (const { table, rebuilt } of ofHistory?.differences ?? []) {
      expect(table).toBe("messages");
      expect(right).toContain(rebuilt);
    }
    expect(ofReceipts?.differences.length).toBeGreaterThan(0);
    for (const { table, live } of ofReceipts?.differences ?? [])
      expect({ table, live }).toEqual({ table: "marks", live: null });
    expect(await dumpAll()).toEqual(before);
    expect(await schemas()).toEqual(["history", "inbox", "members", "people", "receipts"]);
    await projector.stop();
  });

  test("stay unless they are to be replaced; then devices are to have their conversations anew", async () => {
    const { run, projector } = await aChat(8, 100);
    const right = await dumpAll();
    await plant();
    const wrong = await dumpAll();
    const { rows: conversations } = await db.database.query<{ conversation: string }>(
      "select distinct conversation from history.messages where kind = 'wrong' order by 1",
    );
    expect((await run([history])).map(({ outcome }) => outcome)).toEqual(["differs"]);
    expect(await dumpAll()).toEqual(wrong);
    const replaced = await run([history, receipts], { replace: true });
    expect(replaced.map(({ outcome, differences }) => [outcome, differences.length > 0])).toEqual([
      ["swapped", true],
      ["swapped", true],
    ]);
    expect(await dumpAll()).toEqual(right);
    const { rows } = await db.database.query<{ conversation: string; at: number }>(
      "select conversation, resync_position as at from ops.resync order by 1",
    );
    expect(rows.map(({ conversation }) => conversation)).toEqual(
      expect.arrayContaining(conversations.map(({ conversation }) => conversation)),
    );
    for (const { at } of rows) expect(at).toBe(projector.checkpoint() + 1);
    await projector.stop();
  });

  test("that are parked streams are shown, too", async () => {
    const { chat, run, projector, people } = await aChat(9, 30);
    const ada = people[0] ?? "";
    const group = await chat.group("strange", ada);
    await chat.append(
      streamId("main", "conversation", group),
      [MemberRoleChanged({ userId: ada, role: "owner" })],
      "MemberPromoted",
    );
    await caughtUp(projector, chat.log);
    expect((await run()).map(({ outcome }) => outcome)).toEqual(projections.map(() => "swapped"));
    expect((await projector.parked()).map(({ schema }) => schema).sort()).toEqual([
      "history",
      "inbox",
      "members",
      "receipts",
    ]);
    await db.database.query("delete from ops.parked where schema = 'inbox'");
    const [compared] = await run([inbox], { verifyOnly: true });
    expect(compared?.outcome).toBe("differs");
    expect(compared?.differences).toMatchObject([
      { table: "parked streams", key: streamId("main", "conversation", group), live: null },
    ]);
    await projector.stop();
  });
});

test("a stream that is un-parked while a rebuild moves along goes on in both generations", async () => {
  const broken = { value: true };
  const fragile: Projection = {
    ...history,
    async project(events, tables, schema) {
      if (broken.value && events.some(({ type }) => type === "ReactionAdded")) throw new Error("not this");
      await history.project(events, tables, schema);
    },
  };
  const { chat, run, projector, people, anew } = await aChat(
    11,
    0,
    projections.map((each) => (each === history ? fragile : each)),
  );
  const ada = people[0] ?? "";
  const [sound, unsound] = [await chat.group("sound", ada), await chat.group("unsound", ada)];
  await chat.send(sound, ada, "fine");
  const message = await chat.send(unsound, ada, "liked");
  await chat.react(unsound, message, ada, "👍");
  await chat.send(unsound, ada, "waits");
  await caughtUp(projector, chat.log);
  await db.database.query("update history.messages set kind = 'wrong' where conversation = $1", [sound]);
  expect((await run([fragile])).map(({ outcome }) => outcome)).toEqual(["differs"]);
  broken.value = false;
  expect(await projector.unpark("history", streamId("main", "conversation", unsound))).toBe(true);
  await chat.send(unsound, ada, "goes on");
  await caughtUp(projector, chat.log);
  const [replaced] = await run([fragile], { replace: true });
  expect(replaced?.outcome).toBe("swapped");
  expect(replaced?.differences.map(({ table }) => table)).toEqual(["messages"]);
  const live = await dumpAll();
  await projector.stop();
  expect(projector.problems).toEqual([]);
  expect(await anew()).toEqual(live);
});

describe("a read model of another version", () => {
  const raised = projections.map((each) => (each === history ? { ...each, version: each.version + 1 } : each));

  test("is read as it stands, rebuilt in the background, and everything is told once it is in place", async () => {
    const { chat, random, projector } = await aChat(10, 200);
    await projector.stop();
    const [frozen, before] = [await dump(db.database, "history"), projector.checkpoint()];
    const next = await startProjector(chat.log, db.database, raised);
    const told: Committed[] = [];
    next.onCommitted((batch) => told.push(batch));
    await random.play(steps(77, 40));
    const { position: head } = await chat.log.head();
    const positionOf = async (schema: string) =>
      (await checkpoints(db.database)).find((one) => one.schema === schema)?.position;
    await expect.poll(() => positionOf("inbox"), { timeout: 10_000 }).toBe(head);
    expect(next.checkpoint()).toBe(before);
    expect(await dump(db.database, "history")).toEqual(frozen);

    const renewed: string[] = [];
    const problems: unknown[] = [];
    const renewing = renewStale({
      log: chat.log,
      database: db.database,
      projections: raised,
      onProgress: () => {},
      onRenewed: (names) => void renewed.push(...names),
      onProblem: (error) => problems.push(error),
    });
    await caughtUp(next, chat.log);
    await expect.poll(() => renewed, { timeout: 10_000 }).toEqual(["history"]);
    await renewing.stop();
    // The rows may be read first: what is to be told of them is read from the log once they are there.
    await expect
      .poll(() => told.flatMap(({ events }) => events.map(({ position }) => position)), { timeout: 10_000 })
      .toEqual(Array.from({ length: head - before }, (_, at) => before + 1 + at));
    await random.play(steps(78, 10));
    await caughtUp(next, chat.log);
    const live = await dumpAll();
    await next.stop();
    expect([...next.problems, ...problems]).toEqual([]);
    await db.database.query("drop schema ops cascade");
    const anew = await startProjector(chat.log, db.database);
    await caughtUp(anew, chat.log);
    await anew.stop();
    expect(await dumpAll()).toEqual(live);
  });
});
