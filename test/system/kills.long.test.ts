import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ScriptaClient } from "../../clients/sdk/index.ts";
import { openDatabase } from "../../infra/postgres/database.ts";
import { randomFrom, seedOfRun } from "../faults/harness/randomFrom.ts";
import { type Api, apiOf, type Body, comparable, group, items, type Person, passwordOf } from "../support/apiClient.ts";
import { syncingDevice } from "../support/apiDevice.ts";
import { type ApiSocket, liveSocket } from "../support/apiSocket.ts";
import { startServer, type TestServer } from "../support/server.ts";

const KILLS = 20;
const LONGEST_RUN_MS = 400;

let folder: string;
let server: TestServer;
let api: Api;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-kills-"));
  server = await startServer({ SCRIPTA_DATA: folder });
  api = apiOf(server.url);
}, 90_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}, 60_000);

/** What somebody asked for, and what was answered first. */
interface Asked {
  readonly conversationId: string;
  readonly message: { readonly messageId: string; readonly kind: "text"; readonly text: string };
  answer?: Body;
}

test(`nothing acknowledged is lost, doubled or reordered by ${KILLS} kills`, async () => {
  const random = randomFrom(seedOfRun());
  const [ada, bo, cy] = await Promise.all([api.person("ada"), api.person("bo"), api.person("cy")]);
  const groups = [await group(ada, [bo, cy]), await group(bo, [ada, cy]), await group(cy, [ada, bo])];
  const pick = () => groups[Math.floor(random() * groups.length)] ?? "";
  const asked: Asked[] = [];
  const edits = new Map<string, string>();
  let writing = true;
  const askFor = (): Asked => {
    const message = { messageId: randomUUID(), kind: "text" as const, text: `text ${asked.length}` };
    asked.push({ conversationId: pick(), message });
    return asked.at(-1) ?? { conversationId: "", message };
  };

  /** Until it is answered; whoever was not asks again, with the same id. */
  async function insist(ask: () => Promise<{ status: number; body: Body } | undefined>): Promise<Body> {
    for (;;) {
      const answer = await ask().catch(() => undefined);
      if (answer && answer.status < 300) return answer.body;
      if (answer && answer.status !== 503) throw new Error(`refused: ${JSON.stringify(answer)}`);
      await pause(20 + random() * 80);
    }
  }

  async function overHttp(person: Person) {
    while (writing) {
      const it = askFor();
      const where = `/conversations/${it.conversationId}/messages`;
      it.answer = await insist(() => person.post(where, { body: it.message }));
      if (random() > 0.2) continue;
      const body = { text: `${it.message.text}, edited` };
      const headers = { "idempotency-key": randomUUID() };
      await insist(() => person.patch(`${where}/${it.message.messageId}`, { body, headers }));
      edits.set(it.message.messageId, body.text);
    }
  }

  async function overSocket(person: Person) {
    let socket: ApiSocket | undefined;
    while (writing) {
      const round = Array.from({ length: 1 + Math.floor(random() * 5) }, askFor);
      await Promise.all(
        round.map(async (it) => {
          it.answer = await insist(async () => {
            if (socket?.ws.readyState !== 1) socket = await liveSocket(server.url, person.token);
            const gone = socket.closed.then(() => undefined);
            const command = socket.command("SendMessage", { conversationId: it.conversationId, ...it.message });
            const answer = await Promise.race([command.catch(() => undefined), gone]);
            if (!answer) return undefined;
            const { type, id: _, ...body } = answer;
            return { status: type === "ack" ? 201 : 503, body };
          });
        }),
      );
    }
    await socket?.close();
  }

  const sdkDevice = async ({ username }: Person, name: string) => {
    const device = { name, platform: "test" };
    const client = await ScriptaClient.login({ url: server.url, username, password: passwordOf(username), device });
    await client.connect();
    return client;
  };
  const devices = await Promise.all([sdkDevice(ada, "tablet"), sdkDevice(bo, "tablet")]);
  async function overSdk(client: ScriptaClient) {
    while (writing) {
      const it = askFor();
      const { messageId, text } = it.message;
      it.answer = { ...(await client.send(it.conversationId, text, { messageId })) };
      await pause(random() * 20);
    }
  }

  const stale = syncingDevice(await api.login(ada.username, "in a drawer"));
  await stale.pull();
  const halfway = syncingDevice(await api.login(bo.username, "in another drawer"));
  const writers = [overHttp(cy), overHttp(ada), overSocket(bo), overSocket(cy), ...devices.map(overSdk)];
  const failed = Promise.all(writers);
  failed.catch(() => {
    writing = false;
  });

  const restartsMs: number[] = [];
  const { port } = new URL(server.url);
  for (let kill = 0; kill < KILLS; kill++) {
    await pause(30 + random() * LONGEST_RUN_MS);
    if (kill % 3 === 2 && server.child.pid) process.kill(-server.child.pid, "SIGKILL");
    await server.kill();
    const start = performance.now();
    server = await startServer({ SCRIPTA_DATA: folder, SCRIPTA_PORT: port });
    restartsMs.push(Math.round(performance.now() - start));
    // Their next attempt may be seconds off; somebody looks at the devices, so it comes now.
    await Promise.all(devices.map((device) => device.connect()));
    if (kill === KILLS / 2) await halfway.pull();
    if (!writing) break;
  }
  writing = false;
  await failed;
  const acknowledged = asked.filter(({ answer }) => answer !== undefined);
  console.info(`${acknowledged.length} messages, restarts ${Math.min(...restartsMs)} to ${Math.max(...restartsMs)} ms`);
  expect(acknowledged).toHaveLength(asked.length);
  expect(asked.length).toBeGreaterThan(KILLS * 5);

  // A retry gets the first answer.
  const owner = new Map<string, Person>();
  const log = new Map<string, Body[]>();
  const people = new Map([ada, bo, cy].map((person) => [person.userId, person]));
  for (const conversationId of groups) {
    const all: Body[] = [];
    for (let more = true; more; ) {
      const after = Number(all.at(-1)?.seq ?? 0);
      const page = items(await cy.get(`/conversations/${conversationId}/messages?limit=200&after=${after}`));
      all.push(...page);
      more = page.length > 0;
    }
    log.set(conversationId, all);
    for (const { messageId, senderId } of all) {
      const sender = people.get(String(senderId));
      if (sender) owner.set(String(messageId), sender);
    }
    const sent = asked.filter((it) => it.conversationId === conversationId);
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, index) => index + 1));
    expect(all.map(({ messageId }) => messageId).sort()).toEqual(sent.map(({ message }) => message.messageId).sort());
    const texts = new Map(sent.map(({ message }) => [message.messageId, edits.get(message.messageId) ?? message.text]));
    for (const { messageId, text } of all) expect(text).toBe(texts.get(String(messageId)));
    for (const { message, answer } of sent)
      expect(all[Number(answer?.seq) - 1]).toMatchObject({ messageId: message.messageId, sentAt: answer?.sentAt });
  }
  for (let done = 0; done < asked.length; done += 40)
    await Promise.all(
      asked.slice(done, done + 40).map(async ({ conversationId, message, answer }) => {
        const path = `/conversations/${conversationId}/messages`;
        const again = await owner.get(message.messageId)?.post(path, { body: message });
        expect(again && comparable(again)).toEqual({ status: 201, body: answer });
      }),
    );

  // Every device shows the same order.
  for (const device of devices)
    for (const conversationId of groups) {
      const all = log.get(conversationId) ?? [];
      await device.until(() => device.messages(conversationId).at(-1)?.seq === all.length);
      const held = device.messages(conversationId);
      const expected = all.slice(-held.length);
      expect(held.map(({ messageId }) => messageId)).toEqual(expected.map(({ messageId }) => messageId));
      await expect
        .poll(() => device.messages(conversationId).map(({ text }) => text))
        .toEqual(expected.map(({ text }) => text));
    }
  await Promise.all(devices.map((device) => device.close()));

  // What was kept and what changed since make what a new device gets.
  const [last] = [...log.values()].map((all) => all.length);
  expect(last).toBeGreaterThan(0);
  for (const [kept, person] of [
    [stale, ada],
    [halfway, bo],
  ] as const) {
    await kept.pull(0, 50);
    const fresh = syncingDevice(await api.login(person.username, "new"));
    await fresh.pull();
    expect(kept.state.view(fresh.state)).toEqual(fresh.state.view(kept.state));
    expect(kept.state.faults).toEqual([]);
    expect(kept.resets()).toBe(1);
  }
}, 300_000);

describe("a database that dies under a running server", () => {
  const sending = (ada: Person, place: string) => ({
    ask: (body: Body) => ada.post(`/conversations/${place}/messages`, body),
    all: async () => items(await ada.get(`/conversations/${place}/messages?limit=200`)),
  });

  test("in one of its processes is waited for: nothing acknowledged is lost, sockets stay", async () => {
    const ada = await api.person("ada");
    const place = await group(ada);
    const { ask, all } = sending(ada, place);
    const socket = await liveSocket(server.url, ada.token);
    const database = openDatabase((await readFile(join(folder, "postgres.url"), "utf8")).trim(), { max: 1 });
    const { rows } = await database.query<{ pid: number }>(
      "select pid from pg_stat_activity where application_name = 'scripta' limit 1",
    );
    await database.close();
    const messages = Array.from({ length: 40 }, (_, n) => ({
      messageId: randomUUID(),
      kind: "text",
      text: `text ${n}`,
    }));
    for (const [n, body] of messages.entries()) {
      if (n === 10) process.kill(rows[0]?.pid ?? 0, "SIGKILL");
      await expect.poll(async () => (await ask(body)).status, { timeout: 20_000 }).toBe(201);
    }
    await expect
      .poll(async () => (await all()).map(({ messageId }) => messageId))
      .toEqual(messages.map(({ messageId }) => messageId));
    await socket.change("message", ({ messageId }) => messageId === messages.at(-1)?.messageId);
    await socket.close();
  }, 60_000);

  test("as a whole ends the server, which says so; the next start has everything", async () => {
    const ada = await api.person("ada");
    const place = await group(ada);
    const { ask, all } = sending(ada, place);
    const body = { messageId: randomUUID(), kind: "text", text: "kept" };
    const first = await ask(body);
    const pid = Number((await readFile(join(folder, "postgres", "cluster", "postmaster.pid"), "utf8")).split("\n")[0]);
    const ended = once(server.child, "exit");
    process.kill(pid, "SIGKILL");
    expect((await ended)[0]).toBe(1);
    expect(server.output()).toContain("database ended by itself");
    server = await startServer({ SCRIPTA_DATA: folder, SCRIPTA_PORT: new URL(server.url).port });
    expect(comparable(await ask(body))).toEqual(comparable(first));
    expect(await all()).toMatchObject([{ text: "kept" }]);
  }, 90_000);
});
