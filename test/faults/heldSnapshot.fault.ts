import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Actor } from "./harness/actor.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { say, tableOf } from "./harness/table.ts";

/** Fault 26: somebody holds a snapshot of the database open while an hour's worth of commands is appended. */
const random = randomFrom(seedOfRun());
/** Batches of the log while the snapshot is open: as many as an hour of one a second brings. */
const BATCHES = 3_600;
const MEASURED = 150;
const AT_ONCE = 8;

let it: Installation;
let service: Service;
let ada: Actor;
beforeAll(async () => {
  it = await installation();
  service = await it.service();
  ada = await it.person("ada", service);
});
afterAll(() => it?.close());

test("an append takes as long as before", async () => {
  const places = await Promise.all(Array.from({ length: AT_ONCE }, (_, n) => tableOf([ada], random, `place ${n}`)));
  const place = (n: number) => places[n % places.length] ?? "";
  const medianMs = async () => {
    const took: number[] = [];
    for (let n = 0; n < MEASURED; n++) {
      const started = performance.now();
      expect((await say(ada, place(n), "measured", random)).outcome).toBe("ok");
      took.push(performance.now() - started);
    }
    return took.sort((a, b) => a - b)[MEASURED / 2] ?? 0;
  };
  /** One after the other in each place, so that nearly each is a batch of its own. */
  const batches = async () => {
    const appended = () => it.link.passed.get("log.append") ?? 0;
    const from = appended();
    await Promise.all(
      places.map(async (conversation) => {
        while (appended() - from < BATCHES) await say(ada, conversation, "meanwhile", random);
      }),
    );
  };
  await medianMs();
  const before = await medianMs();
  const holder = new Client({ connectionString: it.postgres.url() });
  await holder.connect();
  await holder.query("begin isolation level repeatable read; select count(*) from log.events");
  await batches();
  const during = await medianMs();
  await holder.query("commit");
  await holder.end();
  console.info(
    `median of an append over HTTP: ${before.toFixed(1)} ms before, ${during.toFixed(1)} ms with the snapshot open`,
  );
  expect(during).toBeLessThan(2.5 * before);
  expect(await it.judge()).toEqual([]);
}, 240_000);
