import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { startTraffic, type Traffic } from "./traffic/traffic.ts";

/** Fault 6: the database restarts, or dies and comes back, under two servers that people talk to. */
const random = randomFrom(seedOfRun());

let it: Installation;
let services: Service[];
let traffic: Traffic;
beforeAll(async () => {
  it = await installation();
  services = [await it.service(), await it.service()];
  traffic = await startTraffic(it, { people: 3, random, services });
});
afterAll(async () => {
  await traffic?.close();
  await it?.close();
});

describe("a database that restarts under two servers", () => {
  test("properly and by kill -9: nothing acknowledged is lost, and the servers go on by themselves", async () => {
    const { pid } = services[0]?.process().child ?? {};
    for (const how of ["fast", "kill", "kill"] as const) {
      await traffic.reached(traffic.begun() + 60 + random.below(60));
      await it.restartDatabase(how);
    }
    await traffic.reached(traffic.begun() + 60);
    await traffic.rest();
    const history = await it.history();
    expect(await it.judge()).toEqual([]);
    expect(history.attempts.filter(({ outcome }) => outcome === "ok").length).toBeGreaterThan(200);
    expect(history.attempts.some(({ outcome }) => outcome === "unknown")).toBe(true);
    expect(services[0]?.process().child.pid).toBe(pid);
  });
});
