import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PostgresEventLog } from "../../infra/eventLog/postgresEventLog.ts";
import type { Actor } from "./harness/actor.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { commandOf, conversationStream } from "./harness/ownLog.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { say, tableOf } from "./harness/table.ts";

/** Fault 26: somebody holds a snapshot of the database open while an hour's worth of batches is appended. */
const random = randomFrom(seedOfRun());
/** As many as an hour of two a second brings. */
const BATCHES = 7_200;
const MEASURED = 300;

let it: Installation;
let service: Service;
let ada: Actor;
beforeAll(async () => {
  it = await installation();
  service = await it.service();
  ada = await it.person("ada", service);
});
afterAll(() => it?.close());

test("an append takes as long as before, and the read models keep up", async () => {
  const tea = await tableOf([ada], random);
  const sent = await say(ada, tea, "hello", random);
  const log = new PostgresEventLog(it.postgres.url());
  const stream = conversationStream(tea);
  let revision = await log.revision(stream);
  const target = sent.messageId ?? "";
  const data = { target, seq: 1, emoji: "👍", userId: ada.userId };
  /** Ada likes it, and likes it no more: batches of one event, as another server would append them. */
  const append = async () => {
    const type = revision % 2 ? "ReactionAdded" : "ReactionRemoved";
    const appended = await log.append(stream, revision, [commandOf([{ type, version: 1, data, target }])]);
    if (appended.status !== "ok") throw new Error(`the log answered ${appended.status}`);
    revision++;
  };
  if (revision % 2 === 0) await say(ada, tea, "so that it begins with a like", random).then(() => revision++);
  const medianMs = async () => {
    const took: number[] = [];
    for (let n = 0; n < MEASURED; n++) {
      const started = performance.now();
      await append();
      took.push(performance.now() - started);
    }
    return took.sort((a, b) => a - b)[MEASURED / 2] ?? 0;
  };
  await medianMs();
  const before = await medianMs();
  const holder = new Client({ connectionString: it.postgres.url() });
  await holder.connect();
  await holder.query("begin isolation level repeatable read; select count(*) from log.events");
  for (let n = 0; n < BATCHES; n++) await append();
  const during = await medianMs();
  const position = (await log.head()).position;
  const reading = await ada.read(tea, position);
  await holder.query("commit");
  await holder.end();
  await log.close();
  console.info(`median of an append: ${before.toFixed(2)} ms before, ${during.toFixed(2)} ms after ${BATCHES} batches`);
  expect(during).toBeLessThan(2 * before);
  // The server, which projects, follows beside it.
  expect(reading?.status).toBe(200);
  expect((await it.judge()).filter(({ rule }) => rule !== "never-asked")).toEqual([]);
}, 240_000);
