import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { cuttableLink } from "../../test/support/cuttableLink.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { touchedBlocks } from "../../test/support/touchedBlocks.ts";
import { LogUnavailable, UnknownOutcome } from "../ports/eventLog.ts";
import { migrate } from "../postgres/migrate.ts";
import { APPEND, appendParameters } from "./appendCall.ts";
import { aCommand, all, anEvent, aStream, eventLogContract } from "./eventLogContract.ts";
import { logMigrations } from "./migrations.ts";
import { LogBehind, PostgresEventLog, type PostgresEventLogOptions } from "./postgresEventLog.ts";
import { RememberedPosition } from "./remembered.ts";

async function logDatabase(): Promise<FreshDatabase> {
  const fresh = await freshDatabase();
  await migrate(fresh.database, logMigrations());
  return fresh;
}

eventLogContract("Postgres", async (clock) => {
  const { url, drop } = await logDatabase();
  const log = new PostgresEventLog(url, { clock });
  return {
    log,
    async close() {
      await log.close();
      await drop();
    },
  };
});

describe("the log in Postgres", () => {
  let db: FreshDatabase;
  let opened: PostgresEventLog[] = [];
  const open = (options?: PostgresEventLogOptions, url = db.url) => {
    const log = new PostgresEventLog(url, options);
    opened.push(log);
    return log;
  };

  beforeAll(async () => {
    db = await logDatabase();
  });
  afterEach(async () => {
    await Promise.all(opened.map((log) => log.close()));
    opened = [];
  });
  afterAll(() => db.drop());

  /** Holds what every append needs, in a transaction of its own, until it is let go. */
  async function lockHeld(): Promise<{ letGo(): Promise<void>; waiting(): Promise<number> }> {
    const client = new Client({ connectionString: db.url });
    await client.connect();
    await client.query("begin; select pg_advisory_xact_lock(7306572)");
    const waiting =
      "select count(*)::int as n from pg_stat_activity where wait_event = 'advisory' and datname = current_database()";
    return {
      async letGo() {
        await client.query("commit");
        await client.end();
      },
      waiting: async () => (await db.database.query<{ n: number }>(waiting)).rows[0]?.n ?? 0,
    };
  }

  test("gives two processes that write and read at once the same order, whole", async () => {
    const fresh = await logDatabase();
    const log = open({}, fresh.url);
    const worker = fileURLToPath(new URL("../../test/support/logWorker.ts", import.meta.url));
    const work = promisify(execFile)(process.execPath, [worker, fresh.url, "300", "600"], { maxBuffer: 1e7 });
    const seen: string[] = [];
    const subscription = log.subscribe(0, async ({ events }) => void seen.push(...events.map(({ id }) => id)));
    const streams = Array.from({ length: 5 }, async () => {
      const stream = aStream();
      for (let n = 0; n < 60; n++)
        expect(await log.append(stream, n - 1, [aCommand()])).toMatchObject({ status: "ok" });
    });
    await Promise.all(streams);
    const theirs: unknown = JSON.parse((await work).stdout);
    await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(600);
    const order = (await all(log.readAll(0))).map(({ id }) => id);
    expect(seen).toEqual(order);
    expect(theirs).toEqual(order);
    await subscription.stop();
    await log.close();
    opened = [];
    await fresh.drop();
  });

  test("never lets a subscriber skip a transaction that commits late", async () => {
    const log = open();
    const { position } = await log.head();
    const seen: string[] = [];
    const subscription = log.subscribe(position, async ({ events }) => void seen.push(...events.map(({ id }) => id)));
    const slow = new Client({ connectionString: db.url });
    await slow.connect();
    await slow.query("begin");
    const early = { stream: aStream(), expected: -1, commands: [aCommand()] };
    await slow.query(APPEND, appendParameters([early], null, { head: 0, epoch: 1 }));

    const lateStream = aStream();
    const late = log.append(lateStream, -1, [aCommand()]);
    await expect
      .poll(
        async () => (await db.database.query("select from pg_stat_activity where wait_event = 'advisory'")).rowCount,
      )
      .toBe(1);
    expect(seen).toEqual([]);
    await slow.query("commit");
    await slow.end();
    expect(await late).toMatchObject({ status: "ok" });
    await expect.poll(() => seen.length).toBe(2);
    expect(seen).toEqual((await all(log.readAll(position))).map(({ id }) => id));
    expect((await all(log.readAll(position))).map(({ stream }) => stream)).toEqual([early.stream, lateStream]);
    await subscription.stop();
  });

  test("touches no more with each append while somebody holds a snapshot open", async () => {
    const log = open();
    const stream = aStream();
    const client = new Client({ connectionString: db.url });
    await client.connect();
    let revision = -1;
    const append = async (times: number) => {
      for (let n = 0; n < times; n++) await log.append(stream, revision++, [aCommand()]);
    };
    const touched = async () => {
      const seen = { head: (await log.head()).position, epoch: await log.epoch() };
      return touchedBlocks(client, [{ stream, expected: revision, commands: [aCommand()] }], seen);
    };
    await append(100);
    const before = await touched();
    await db.database.transaction(async (tx) => {
      await tx.query("select count(*) from log.events");
      await append(4_000);
      expect(await touched()).toBeLessThan(2 * before);
    }, "snapshot");
    await client.end();
  });

  test("tells that an outcome is unknown when the link breaks after the commit, and a retry finds it", async () => {
    const link = await cuttableLink(db.url);
    const log = open({}, link.url);
    const stream = aStream();
    await log.append(stream, -1, [aCommand()]);
    const command = aCommand();
    await expect(link.cutWhile(log.append(stream, 0, [command]))).rejects.toBeInstanceOf(UnknownOutcome);
    // The server may still be at it; the retry waits for the lock behind it.
    const retry = await log.append(stream, 0, [command]);
    expect(["ok", "duplicate"]).toContain(retry.status);
    expect((await log.find(stream, command.commandId))?.events).toHaveLength(1);
    expect(await log.revision(stream)).toBe(1);
    await log.close();
    opened = [];
    link.close();
  });

  test("tells that an outcome is unknown when the server ends the connection in mid-append", async () => {
    const log = open();
    const stream = aStream();
    const held = await lockHeld();
    const append = expect(log.append(stream, -1, [aCommand()])).rejects.toBeInstanceOf(UnknownOutcome);
    await expect.poll(held.waiting).toBe(1);
    await db.database.query("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'advisory'");
    await append;
    await held.letGo();
    expect(await log.append(stream, -1, [aCommand()])).toMatchObject({ status: "ok" });
  });

  test("is unavailable, and says so, where no database answers", async () => {
    const log = open({}, "postgres://nobody@127.0.0.1:1/nothing");
    await expect(log.append(aStream(), -1, [aCommand()])).rejects.toBeInstanceOf(LogUnavailable);
    await expect(log.head()).rejects.toBeInstanceOf(LogUnavailable);
  });

  test("takes no more than a bounded number of waiting events", async () => {
    const log = open({ maxWaitingEvents: 10 });
    await log.append(aStream(), -1, [aCommand()]);
    const held = await lockHeld();
    const appends = Array.from({ length: 12 }, () => log.append(aStream(), -1, [aCommand()]));
    const settled = Promise.allSettled(appends);
    await expect.poll(held.waiting).toBe(1);
    await held.letGo();
    const outcomes = (await settled).map(({ status }) => status);
    expect(outcomes).toEqual([...Array.from({ length: 10 }, () => "fulfilled"), "rejected", "rejected"]);
    expect(await log.append(aStream(), -1, [aCommand()])).toMatchObject({ status: "ok" });
  });

  test("keeps a subscription through an outage", async () => {
    const log = open();
    const { position } = await log.head();
    const seen: string[] = [];
    const subscription = log.subscribe(
      position,
      async ({ events }) => void seen.push(...events.map(({ type }) => type)),
    );
    await log.append(aStream(), -1, [aCommand([anEvent({ type: "before" })])]);
    await db.database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name like 'scripta log%'",
    );
    const other = open();
    await other.append(aStream(), -1, [aCommand([anEvent({ type: "after" })])]);
    await expect.poll(() => seen, { timeout: 5_000 }).toEqual(["before", "after"]);
    await subscription.stop();
  });

  test("refuses to be served where it ends before what is remembered, until its epoch is raised", async () => {
    const log = open();
    await log.append(aStream(), -1, [aCommand()]);
    const { position } = await log.head();
    await log.assertNotBehind({ epoch: 1, position });
    await expect(log.assertNotBehind({ epoch: 1, position: position + 1 })).rejects.toThrow("scripta epoch raise");
    await expect(log.assertNotBehind({ epoch: 2, position: 0 })).rejects.toBeInstanceOf(LogBehind);
    const stale = open();
    await stale.append(aStream(), -1, [aCommand()]);
    expect(await log.raiseEpoch(2)).toBe(3);
    expect(await log.epoch()).toBe(3);
    await log.assertNotBehind({ epoch: 1, position: position + 1_000 });
    expect(await log.append(aStream(), -1, [aCommand()])).toMatchObject({ status: "ok" });
    await expect(stale.append(aStream(), -1, [aCommand()])).rejects.toBeInstanceOf(LogUnavailable);
  });

  test("takes nothing from a process that saw more than is there: a fail-over lost commits", async () => {
    const fresh = await logDatabase();
    const log = open({}, fresh.url);
    const stream = aStream();
    for (let n = 0; n < 3; n++) await log.append(stream, n - 1, [aCommand()]);
    await fresh.database.query("delete from log.events where revision = 2");
    await expect(log.append(aStream(), -1, [aCommand()])).rejects.toThrow("is not the one that was seen");
    await log.close();
    opened = [];
    await fresh.drop();
  });

  test("remembers outside the database how far it went", async () => {
    const folder = await mkdtemp(join(tmpdir(), "scripta-remembered-"));
    const file = join(folder, "log-position.json");
    const remembered = new RememberedPosition(file, (error) => expect.unreachable(String(error)));
    expect(remembered.last).toBeUndefined();
    const log = open({ remembered });
    await log.append(aStream(), -1, [aCommand([anEvent(), anEvent()])]);
    const { position } = await log.head();
    await remembered.close();
    const again = new RememberedPosition(file, () => undefined);
    expect(again.last).toEqual({ epoch: await log.epoch(), position });
    again.saw(1, 0);
    expect(again.last?.position).toBe(position);
    await rm(folder, { recursive: true });
  });

  test("keeps JSON as it was written, and refuses what is none without hurting others", async () => {
    const log = open();
    const good = aStream();
    const [bad, fine] = await Promise.allSettled([
      log.append(aStream(), -1, [aCommand([anEvent({ data: "{not json" })])]),
      log.append(good, -1, [aCommand([anEvent({ data: '{"b":1,"a" : 2,"b":3}' })])]),
    ]);
    expect(bad.status).toBe("rejected");
    expect(fine).toMatchObject({ value: { status: "ok" } });
    expect((await all(log.readStream(good)))[0]?.data).toBe('{"b":1,"a" : 2,"b":3}');
  });

  test("finds a command among long neighbours without reading them", async () => {
    const log = open();
    const stream = aStream();
    const command = { ...aCommand([anEvent(), anEvent()]), commandId: randomUUID() };
    const long = () => aCommand(Array.from({ length: 300 }, () => anEvent()));
    await log.append(stream, -1, [long(), command, long()]);
    expect((await log.find(stream, command.commandId))?.events.map(({ revision }) => revision)).toEqual([300, 301]);
  });
});
