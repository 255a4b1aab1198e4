import { Client } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PostgresEventLog } from "../../infra/eventLog/postgresEventLog.ts";
import { touchedBlocks } from "../support/touchedBlocks.ts";
import type { Actor } from "./harness/actor.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { commandOf, conversationStream } from "./harness/ownLog.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { say, tableOf } from "./harness/table.ts";

/** Fault 26: somebody holds a snapshot of the database open while an hour's worth of batches is appended. */
const random = randomFrom(seedOfRun());
/** As many as an hour of two a second brings. */
const BATCHES = 7_200;

let it: Installation;
let service: Service;
let ada: Actor;
beforeAll(async () => {
  it = await installation();
  service = await it.service();
  ada = await it.person("ada", service);
});
afterAll(() => it?.close());

test("an append touches no more of the database than before, and the read models keep up", async () => {
  const tea = await tableOf([ada], random);
  const sent = await say(ada, tea, "hello", random);
  const log = new PostgresEventLog(it.postgres.url());
  const stream = conversationStream(tea);
  let revision = await log.revision(stream);
  const target = sent.messageId ?? "";
  const data = { target, seq: 1, emoji: "👍", userId: ada.userId };
  /** Ada likes it, and likes it no more: batches of one event, as another server would append them. */
  const next = () =>
    commandOf([{ type: revision % 2 ? "ReactionAdded" : "ReactionRemoved", version: 1, data, target }]);
  const append = async () => {
    const appended = await log.append(stream, revision, [next()]);
    if (appended.status !== "ok") throw new Error(`the log answered ${appended.status}`);
    revision++;
  };
  if (revision % 2 === 0) await say(ada, tea, "so that it begins with a like", random).then(() => revision++);
  const looking = new Client({ connectionString: it.postgres.url() });
  await looking.connect();
  const blocks = async () => {
    const seen = { head: (await log.head()).position, epoch: await log.epoch() };
    return touchedBlocks(looking, [{ stream, expected: revision, commands: [next()] }], seen);
  };
  for (let n = 0; n < 100; n++) await append();
  const before = await blocks();
  const holder = new Client({ connectionString: it.postgres.url() });
  await holder.connect();
  await holder.query("begin isolation level repeatable read; select count(*) from log.events");
  for (let n = 0; n < BATCHES; n++) await append();
  const during = await blocks();
  const position = (await log.head()).position;
  const reading = await ada.read(tea, position);
  await holder.query("commit");
  await Promise.all([holder.end(), looking.end(), log.close()]);
  console.info(`blocks that an append touches: ${before} before, ${during} after ${BATCHES} batches`);
  expect(during).toBeLessThan(2 * before);
  // The server, which projects, follows beside it.
  expect(reading?.status).toBe(200);
  expect((await it.judge()).filter(({ rule }) => rule !== "never-asked")).toEqual([]);
}, 240_000);
