import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Api, apiOf, group, items, type Person, send } from "../test/support/apiClient.ts";
import { startServer, type TestServer } from "../test/support/server.ts";

const MESSAGES = 12;

let folder: string;
let server: TestServer;
let api: Api;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-deadlines-"));
  server = await startServer({ SCRIPTA_DATA: folder });
  api = apiOf(server.url);
}, 90_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}, 60_000);

const restart = async () => {
  await server.kill();
  server = await startServer({ SCRIPTA_DATA: folder, SCRIPTA_PORT: new URL(server.url).port });
};
const until = async (at: number) => {
  const left = at - Date.now();
  if (left <= 0) throw new Error(`this machine is ${-left} ms too slow for the deadline`);
  await pause(left);
};
/** To which messages an escalation answers, in order. */
const escalated = async (reader: Person, conversationId: string) =>
  items(await reader.get(`/conversations/${conversationId}/messages?limit=200`))
    .filter(({ kind }) => kind === "system")
    .map(({ replyTo }) => String(replyTo));
/** The seconds in which an escalation is due, and another might come. */
const looksAgain = () => pause(2_500);

async function asking(ada: Person, bo: Person, count: number, ackBy: number) {
  const tea = await group(ada, [bo]);
  const asked = { ackBy: new Date(ackBy).toISOString(), escalateTo: [bo.userId] };
  const sent = await Promise.all(Array.from({ length: count }, (_, n) => send(ada, tea, `question ${n}`, asked)));
  return { tea, ids: sent.map(({ messageId }) => messageId).sort() };
}

test("a deadline that falls due while whoever escalates lies dead is escalated after the restart, once", async () => {
  const [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const ackBy = Date.now() + 8_000;
  const { tea, ids } = await asking(ada, bo, 1, ackBy);
  await until(ackBy - 500);
  // It sees the deadline pass no more: it is stopped before, and killed after.
  process.kill(server.child.pid ?? 0, "SIGSTOP");
  await until(ackBy + 500);
  await restart();
  await expect.poll(() => escalated(bo, tea), { timeout: 20_000 }).toEqual(ids);
  await restart();
  await looksAgain();
  expect(await escalated(bo, tea)).toEqual(ids);
}, 180_000);

test("of many that fall due together, whoever is killed in the midst of escalating them leaves none out and doubles none", async () => {
  const [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const ackBy = Date.now() + 10_000;
  const { tea, ids } = await asking(ada, bo, MESSAGES, ackBy);
  // As soon as the first is there.
  await expect.poll(async () => (await escalated(bo, tea)).length, { timeout: 30_000, interval: 5 }).toBeGreaterThan(0);
  await restart();
  await expect.poll(async () => (await escalated(bo, tea)).sort(), { timeout: 30_000 }).toEqual(ids);
  await restart();
  await looksAgain();
  expect((await escalated(bo, tea)).sort()).toEqual(ids);
}, 180_000);
