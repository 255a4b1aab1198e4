import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MemberRoleChanged } from "../domain/conversation/events.ts";
import { streamId } from "../domain/ids.ts";
import { chatLog } from "../test/support/chatLog.ts";
import { type FreshDatabase, freshDatabase } from "../test/support/postgres.ts";
import { anyStep, randomChat } from "../test/support/randomChat.ts";
import { caughtUp, dump, startProjector } from "../test/support/readModels.ts";
import { projections } from "./all.ts";
import { applyTogether } from "./apply.ts";
import { installGeneration, installOperations } from "./generations.ts";
import { decode } from "./logged.ts";
import { projection } from "./projection.ts";
import type { Committed } from "./projector.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

async function freshProjector(chat: ReturnType<typeof chatLog>, which = projections) {
  await db.database.query(
    `drop schema if exists ops cascade; ${projections.map(({ name }) => `drop schema if exists ${name} cascade`).join(";")};
     drop schema if exists touchy cascade`,
  );
  return startProjector(chat.log, db.database, which);
}

describe("the projector", () => {
  test("brings every read model to the head and tells of it in order", async () => {
    const chat = chatLog();
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    const projector = await freshProjector(chat);
    const told: Committed[] = [];
    projector.onCommitted((batch) => told.push(batch));
    await caughtUp(projector, chat.log);
    const group = await chat.group("plans", ada, [bo]);
    for (let message = 0; message < 20; message++) await chat.send(group, ada, `message ${message}`);
    await caughtUp(projector, chat.log);
    const { rows } = await db.database.query<{ seq: number }>("select seq from history.messages order by seq");
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    const positions = told.flatMap(({ events }) => events.map(({ position }) => position));
    expect(positions).toEqual([...positions].sort((one, other) => one - other));
    expect(positions.at(-1)).toBe((await chat.log.head()).position);
    expect(await projector.lag()).toEqual({ events: 0, ms: 0 });
    await projector.stop();
    expect(projector.problems).toEqual([]);
  });

  test("says no to whoever waits for what does not come in time", async () => {
    const chat = chatLog();
    const projector = await freshProjector(chat);
    expect(await projector.waitFor(1, 20)).toBe(false);
    const waiting = projector.waitFor(1, 10_000);
    await chat.person("ada");
    expect(await waiting).toBe(true);
    await projector.stop();
  });

  test("lets one of several processes project, tells the others, and hands over when it stops", async () => {
    const chat = chatLog();
    const first = await freshProjector(chat);
    await chat.person("ada");
    await caughtUp(first, chat.log);
    const second = await startProjector(chat.log, db.database);
    const told: number[] = [];
    second.onCommitted(({ events }) => told.push(...events.map(({ position }) => position)));
    await chat.person("bo");
    await caughtUp(second, chat.log);
    await first.stop();
    await chat.person("cy");
    await caughtUp(second, chat.log);
    expect(told).toEqual([2, 3]);
    await second.stop();
    expect([...first.problems, ...second.problems]).toEqual([]);
  });

  test("goes on without a gap or a double effect when its connections break", async () => {
    const chat = chatLog();
    const people = [await chat.person("ada"), await chat.person("bo"), await chat.person("cy")];
    const projector = await freshProjector(chat);
    const play = randomChat(chat, people);
    for (const steps of fc.sample(fc.array(anyStep, { minLength: 10, maxLength: 10 }), { numRuns: 8, seed: 8 })) {
      await play.play(steps);
      await db.database.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
      );
    }
    await caughtUp(projector, chat.log);
    await projector.stop();
    expect(projector.problems.length).toBeGreaterThan(0);
    const live = await Promise.all(projections.map(({ name }) => dump(db.database, name)));
    const anew = await freshProjector(chat);
    await caughtUp(anew, chat.log);
    await anew.stop();
    expect(live).toEqual(await Promise.all(projections.map(({ name }) => dump(db.database, name))));
  }, 40_000);

  test("gives the same rows, however the log is cut into batches", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { minLength: 20, maxLength: 80 }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }),
        async (steps, cuts) => {
          const chat = chatLog();
          const people = [await chat.person("ada"), await chat.person("bo"), await chat.person("cy")];
          await randomChat(chat, people).play(steps);
          const events: ReturnType<typeof decode>[] = [];
          for await (const recorded of chat.log.readAll(0)) events.push(decode(recorded));
          const foldIn = async (sizes: readonly number[]) => {
            const generations = [];
            await db.database.query("drop schema if exists ops cascade");
            await installOperations(db.database);
            for (const each of projections) generations.push(await installGeneration(db.database, each, 1));
            for (let start = 0, cut = 0; start < events.length; cut++) {
              const batch = events.slice(start, start + (sizes[cut % sizes.length] ?? 1));
              await applyTogether(db.database, generations, batch, batch.at(-1)?.position ?? 0);
              start += batch.length;
            }
            return Promise.all(projections.map(({ name }) => dump(db.database, name)));
          };
          expect(await foldIn(cuts)).toEqual(await foldIn([events.length]));
        },
      ),
      { numRuns: 12 },
    );
  }, 60_000);
});

/** Fails on any change of role while `broken`, otherwise keeps count of what it saw. */
const touchy = (broken: { value: boolean; held?: () => Promise<void> }) =>
  projection({
    name: "touchy",
    version: 1,
    schema: new URL("./touchy.test.sql", import.meta.url),
    streams: ["conversation"],
    handles: ["MemberAdded", "MemberRoleChanged"],
    async project(events, tx, schema) {
      if (broken.value && events.some(({ type }) => type === "MemberRoleChanged"))
        throw new Error("roles are beyond me");
      await broken.held?.();
      await tx.query(
        `insert into ${schema}.seen select * from json_to_recordset($1) as e(stream text, position bigint)`,
        [JSON.stringify(events.map(({ stream, position }) => ({ stream, position })))],
      );
    },
  });

describe("an event that cannot be folded", () => {
  test("parks its stream in that read model alone, and what waited is applied in order once it can be", async () => {
    const chat = chatLog();
    const broken = { value: true };
    const [ada, bo, cy] = [await chat.person("ada"), await chat.person("bo"), await chat.person("cy")];
    const bad = await chat.group("bad", ada, [bo]);
    const good = await chat.group("good", ada, [bo]);
    await chat.role(bad, bo, "admin");
    await chat.add(bad, cy);
    await chat.add(good, cy);
    const projector = await freshProjector(chat, [...projections, touchy(broken)]);
    await caughtUp(projector, chat.log);
    const stream = streamId("main", "conversation", bad);
    expect(await projector.parked()).toMatchObject([
      { schema: "touchy", stream, error: expect.stringContaining("beyond") },
    ]);
    const seen = async (of: string) =>
      (await db.database.query("select 1 from touchy.seen where stream = $1", [of])).rowCount;
    expect(await seen(stream)).toBe(2);
    expect(await seen(streamId("main", "conversation", good))).toBe(3);
    expect((await db.database.query("select 1 from members.members where conversation = $1", [bad])).rowCount).toBe(3);

    await expect(projector.unpark("touchy", stream)).rejects.toThrow("beyond");
    expect(await projector.parked()).toHaveLength(1);
    broken.value = false;
    expect(await projector.unpark("touchy", stream)).toBe(true);
    expect(await projector.unpark("touchy", stream)).toBe(false);
    await chat.role(bad, bo, "member");
    await caughtUp(projector, chat.log);
    expect(await seen(stream)).toBe(5);
    expect(await projector.parked()).toEqual([]);
    const { rows } = await db.database.query<{ conversation: string }>("select conversation from ops.resync");
    expect(rows).toEqual([{ conversation: bad }]);
    await projector.stop();
    expect(projector.problems).toEqual([]);
  });

  test("misses nothing of its stream that is said while it is un-parked, and every process tells its devices", async () => {
    const chat = chatLog();
    const broken: { value: boolean; held?: () => Promise<void> } = { value: true };
    const [ada, bo, cy] = [await chat.person("ada"), await chat.person("bo"), await chat.person("cy")];
    const bad = await chat.group("bad", ada, [bo]);
    await chat.role(bad, bo, "admin");
    const which = [...projections, touchy(broken)];
    const projector = await freshProjector(chat, which);
    const follower = await startProjector(chat.log, db.database, which);
    await caughtUp(projector, chat.log);
    await caughtUp(follower, chat.log);
    const anew: [string, string][] = [];
    for (const [name, one] of [["leads", projector] as const, ["follows", follower] as const])
      one.onCommitted(({ resynced }) => {
        for (const { conversationId } of resynced) anew.push([name, conversationId]);
      });

    broken.value = false;
    const { promise, resolve: goOn } = Promise.withResolvers<void>();
    const { promise: folding, resolve: begins } = Promise.withResolvers<void>();
    broken.held = () => {
      begins();
      return promise;
    };
    const unparked = projector.unpark("touchy", streamId("main", "conversation", bad));
    await folding;
    const waits = async () =>
      (
        await db.database.query(
          "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%move_checkpoints%'",
        )
      ).rowCount;
    await chat.add(bad, cy);
    await expect.poll(waits, { timeout: 10_000 }).toBe(1);
    delete broken.held;
    goOn();
    expect(await unparked).toBe(true);
    await caughtUp(projector, chat.log);
    expect((await db.database.query("select 1 from touchy.seen")).rowCount).toBe(4);
    await expect.poll(() => anew.map(([name]) => name).sort()).toEqual(["follows", "leads"]);
    expect(anew.every(([, conversation]) => conversation === bad)).toBe(true);
    await projector.stop();
    await follower.stop();
    expect([...projector.problems, ...follower.problems]).toEqual([]);
  });

  test("of a type that this program does not know parks its stream in every read model that needs it", async () => {
    const chat = chatLog();
    const ada = await chat.person("ada");
    const group = await chat.group("plans", ada);
    const stream = streamId("main", "conversation", group);
    await chat.append(stream, [MemberRoleChanged({ userId: ada, role: "owner" })], "MemberPromoted");
    await chat.send(group, ada, "waits");
    const projector = await freshProjector(chat);
    await caughtUp(projector, chat.log);
    const parked = await projector.parked();
    expect(parked.map(({ schema }) => schema)).toEqual(["history", "inbox", "members", "receipts"]);
    expect((await db.database.query("select 1 from history.messages")).rowCount).toBe(0);
    await projector.stop();
  });
});
