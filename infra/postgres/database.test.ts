import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import type { Database } from "../ports/database.ts";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";

let fresh: FreshDatabase;
let db: Database;

beforeAll(async () => {
  fresh = await freshDatabase();
  db = fresh.database;
});
afterAll(() => fresh.drop());

test("a bigint arrives as a number, and one that a number cannot hold is refused", async () => {
  const { rows } = await db.query("select 9007199254740991::bigint as n, array[1, null, 3]::bigint[] as many");
  expect(rows).toEqual([{ n: Number.MAX_SAFE_INTEGER, many: [1, null, 3] }]);
  await expect(db.query("select 9007199254740993::bigint")).rejects.toThrow("beyond 2^53");
});

test("a timestamp arrives as a Date", async () => {
  const { rows } = await db.query("select timestamptz '2026-11-21T10:00:00.123Z' as at");
  expect(rows).toEqual([{ at: new Date("2026-11-21T10:00:00.123Z") }]);
});

test("a transaction is committed when its work resolves, and leaves nothing when it throws", async () => {
  await db.query("create table notes (text text)");
  await db.transaction((tx) => tx.query("insert into notes values ('kept')"));
  const failing = db.transaction(async (tx) => {
    await tx.query("insert into notes values ('lost')");
    throw new Error("changed my mind");
  });
  await expect(failing).rejects.toThrow("changed my mind");
  expect((await db.query("select text from notes")).rows).toEqual([{ text: "kept" }]);
});

test("a transaction whose failed statement was swallowed does not pass for committed", async () => {
  const swallowing = db.transaction(async (tx) => void (await tx.query("select 1 / 0").catch(() => undefined)));
  await expect(swallowing).rejects.toThrow("nothing was committed");
});

describe.each([{ pipelined: true }, { pipelined: false }])("what is only sent, $pipelined pipelined", (settings) => {
  let sending: ReturnType<typeof openDatabase>;
  beforeAll(async () => {
    sending = openDatabase(fresh.url, { max: 2, ...settings });
    await sending.query("drop table if exists sent; create table sent (n int primary key)");
  });
  afterAll(() => sending.close());

  test("runs in order, between what is asked, and is committed with it", async () => {
    const seen = await sending.transaction(async (tx) => {
      tx.send("insert into sent values ($1)", [1]);
      tx.send("update sent set n = n + 1");
      const { rows } = await tx.query<{ n: number }>("select n from sent");
      tx.send("insert into sent values ($1)", [3]);
      return rows;
    });
    expect(seen).toEqual([{ n: 2 }]);
    expect((await sending.query("select n from sent order by n")).rows).toEqual([{ n: 2 }, { n: 3 }]);
  });

  test("fails the next question with its own reason, or the commit; nothing of it stays", async () => {
    const asking = sending.transaction(async (tx) => {
      tx.send("insert into sent values (7)");
      tx.send("insert into sent values (7)");
      tx.send("insert into sent values (8)");
      await tx.query("select n from sent");
    });
    await expect(asking).rejects.toMatchObject({ code: "23505" });
    const committing = sending.transaction(async (tx) => {
      tx.send("insert into sent values (7)");
      tx.send("insert into sent values (7)");
    });
    await expect(committing).rejects.toMatchObject({ code: "23505" });
    const changingItsMind = sending.transaction(async (tx) => {
      tx.send("select pg_sleep(0.05)");
      tx.send("insert into sent values (9)");
      throw new Error("changed my mind");
    });
    await expect(changingItsMind).rejects.toThrow("changed my mind");
    expect((await sending.query("select n from sent where n > 3")).rows).toEqual([]);
  });
});

test("a snapshot sees one moment", async () => {
  await db.query("create table moments (n int)");
  await db.transaction(async (tx) => {
    await tx.query("select 1 from moments");
    await db.query("insert into moments values (1)");
    expect((await tx.query("select n from moments")).rows).toEqual([]);
  }, "snapshot");
});

test("a snapshot writes nothing", async () => {
  const writing = db.transaction((tx) => tx.query("create table never (n int)"), "snapshot");
  await expect(writing).rejects.toThrow("read-only");
});

test("a listener hears what is said, and hears again after its connection was cut", async () => {
  const heard: string[] = [];
  const listener = await db.listen("gossip", (payload) => heard.push(payload));
  await db.query("select pg_notify('gossip', 'one')");
  await expect.poll(() => heard).toEqual(["one"]);

  await db.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%' and datname = current_database()",
  );
  await expect
    .poll(
      async () => {
        await db.query("select pg_notify('gossip', 'two')");
        return heard.at(-1);
      },
      { timeout: 5_000 },
    )
    .toBe("two");
  await listener.stop();
});

test("a migration is applied once, also when two processes start together", async () => {
  const migrations = [{ name: "test/0001", sql: "create table once (n int); insert into once values (1)" }];
  await Promise.all([migrate(db, migrations), migrate(db, migrations), migrate(db, migrations)]);
  expect((await db.query("select n from once")).rows).toEqual([{ n: 1 }]);
});

test("a migration that was changed after it was applied is refused by its name", async () => {
  await migrate(db, [{ name: "test/0002", sql: "select 1" }]);
  await expect(migrate(db, [{ name: "test/0002", sql: "select 2" }])).rejects.toThrow("test/0002 was changed");
});
