import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projections } from "../../projections/all.ts";
import { atRest, type Database, hashes, openForEvidence } from "./harness/evidence.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { startTraffic, type Traffic } from "./traffic/traffic.ts";

/** Fault 19: all read models are lost, with what was known about them or without. */
const random = randomFrom(seedOfRun());
const COMMANDS = 600;

let it: Installation;
let service: Service;
let traffic: Traffic;
let database: Database;
beforeAll(async () => {
  it = await installation();
  service = await it.service();
  traffic = await startTraffic(it, { people: 4, random, services: [service] });
  await traffic.reached(COMMANDS);
  await traffic.rest();
  database = openForEvidence(it.postgres.url());
});
afterAll(async () => {
  await database?.close();
  await traffic?.close();
  await it?.close();
});

const DEADLOCK = "40P01";

/** A service that writes meanwhile may hold a table of each: then the database picks one of the two to begin again. */
async function dropAll(more = ""): Promise<void> {
  const sql = [...projections.map(({ name }) => `drop schema ${name} cascade`), more].join(";");
  for (let tried = 1; ; tried++) {
    try {
      return void (await database.query(sql));
    } catch (error) {
      const isVictim = error instanceof Error && "code" in error && error.code === DEADLOCK;
      if (!isVictim || tried === 10) throw error;
    }
  }
}

/** Waits until everything is there again, and tells how long that took. */
async function recovered(events: number): Promise<void> {
  const started = performance.now();
  await service.start();
  await atRest(database);
  const ms = performance.now() - started;
  console.info(
    `${events} events were folded anew ${Math.round(ms)} ms after the start, ${Math.round((1_000 * events) / ms)} a second`,
  );
}

describe("all read models lost", () => {
  test.each([
    ["with their checkpoints", "delete from ops.checkpoints"],
    ["but for their checkpoints, which promise what is not there", ""],
  ])("%s: they come back from the log, byte for byte, and devices go on", async (_, more) => {
    await service.stop();
    await atRest(database);
    const before = await hashes(database);
    await dropAll(more);
    await recovered((await it.log()).length);
    expect(await hashes(database)).toEqual(before);
    traffic.resume();
    await traffic.reached(traffic.begun() + 60);
    await traffic.rest();
    expect(await it.judge()).toEqual([]);
  });

  test("under a running service: no change is acknowledged and lost, and after a restart all is as it would have been", async () => {
    traffic.resume();
    await traffic.reached(traffic.begun() + 30);
    await dropAll("delete from ops.checkpoints");
    await service.kill();
    await recovered((await it.log()).length);
    await traffic.reached(traffic.begun() + 60);
    await traffic.rest();
    expect(await it.judge()).toEqual([]);
  });
});
