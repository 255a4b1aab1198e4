import { afterAll, beforeAll, expect, test } from "vitest";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { startTraffic, type Traffic } from "./traffic/traffic.ts";

/** Fault 16: a rolling deploy of two servers, while devices with very old cursors come back. */
const random = randomFrom(seedOfRun());

let it: Installation;
let services: Service[];
let traffic: Traffic;
beforeAll(async () => {
  it = await installation();
  services = [await it.service(), await it.service()];
  traffic = await startTraffic(it, { people: 4, random, services });
});
afterAll(async () => {
  await traffic?.close();
  await it?.close();
});

test("whoever resumes during it, with a cursor however old, loses nothing, and is not even reset", async () => {
  await traffic.reached(80);
  // Further devices of the same people, each of which goes away with its first cursor.
  const stale = await Promise.all(
    traffic.people.map(async (person, n) => {
      const device = it.device(person, `stale ${n}`);
      await device.connect(services[n % 2]?.url() ?? "");
      device.close();
      return device;
    }),
  );
  await traffic.reached(traffic.begun() + 500);
  const back: Promise<boolean>[] = [];
  for (const service of services) {
    const stopping = service.stop();
    for (const device of stale) back.push(device.connect(random.pick(services).url()).then(() => true));
    await stopping;
    await service.start();
    await traffic.reached(traffic.begun() + 60);
  }
  await Promise.all(back);
  await traffic.rest();
  for (const device of stale) {
    expect(await device.connect(random.pick(services).url())).toBe(true);
    // The first was the snapshot of a device that had no cursor yet.
    expect(device.resets()).toBe(1);
    it.recorder.devices.push(device.holding());
  }
  expect(await it.judge()).toEqual([]);
});
