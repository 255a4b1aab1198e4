import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, apiOf, comparable, group, items, type Person, after as seeing, send } from "../support/apiClient.ts";
import { liveSocket } from "../support/apiSocket.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { startServer, type TestServer } from "../support/server.ts";

let db: FreshDatabase;
let keys: string;
const servers: TestServer[] = [];
let one: Api;
let two: Api;

async function start(): Promise<{ server: TestServer; api: Api }> {
  const server = await startServer({ SCRIPTA_POSTGRES: db.url, SCRIPTA_KEYS: keys });
  servers.push(server);
  return { server, api: apiOf(server.url) };
}

beforeAll(async () => {
  db = await freshDatabase();
  keys = await mkdtemp(join(tmpdir(), "scripta-keys-"));
  // At once, as a deployment does: they agree on schema, first tenant and keys.
  const [first, second] = await Promise.all([start(), start()]);
  [one, two] = [first.api, second.api];
}, 120_000);
afterAll(async () => {
  for (const server of servers) await server.stop();
  await db?.drop();
  await rm(keys, { recursive: true, force: true });
}, 60_000);

/** Somebody as the other process knows them: the same token. */
function at({ url }: Api, { token }: Person) {
  const { ask } = apiOf(url);
  return {
    get: (path: string, request = {}) => ask("GET", path, { token, ...request }),
    post: (path: string, body: unknown) => ask("POST", path, { token, body }),
  };
}

describe("two processes on one PostgreSQL", () => {
  test("know each other's people, tokens and conversations", async () => {
    const [ada, bo] = [await one.person("ada"), await two.person("bo")];
    expect((await at(two, ada).get("/me")).body).toMatchObject({ userId: ada.userId, displayName: "ada" });
    const tea = await group(ada, [bo]);
    const sent = await send(ada, tea, "from one");
    const path = `/conversations/${tea}/messages`;
    expect(items(await bo.get(path, seeing(sent)))).toMatchObject([{ text: "from one", senderId: ada.userId }]);
    const answered = await send(bo, tea, "from two");
    expect(items(await ada.get(path, seeing(answered))).map(({ text }) => text)).toEqual(["from one", "from two"]);
  });

  test("a message sent at one reaches a socket at the other, soon", async () => {
    const [ada, bo] = [await one.person("ada"), await two.person("bo")];
    const tea = await group(ada, [bo]);
    const [adas, bos] = [await liveSocket(one.url, ada.token), await liveSocket(two.url, bo.token)];
    for (const [from, to, text] of [
      [adas, bos, "hello"],
      [bos, adas, "hello to you"],
    ] as const) {
      const start = performance.now();
      const message = { conversationId: tea, messageId: randomUUID(), kind: "text", text };
      expect(await from.command("SendMessage", message)).toMatchObject({ type: "ack" });
      expect(await to.change("message", ({ messageId }) => messageId === message.messageId)).toMatchObject({
        message: { text },
      });
      expect(performance.now() - start).toBeLessThan(3_000);
    }
    expect(await adas.command("MarkRead", { conversationId: tea, seq: 2 })).toMatchObject({ type: "ack", read: 2 });
    await bos.change("receipt", (it) => it.conversationId === tea && it.userId === ada.userId && it.read === 2);
    await Promise.all([adas.close(), bos.close()]);
  });

  test("many writers at both make one dense order, and a retry at the other gives the same answer", async () => {
    const [ada, bo] = [await one.person("ada"), await two.person("bo")];
    const tea = await group(ada, [bo]);
    const path = `/conversations/${tea}/messages`;
    const watching = await liveSocket(one.url, bo.token);
    await watching.change("conversation", ({ conversationId }) => conversationId === tea);
    const wanted = Array.from({ length: 120 }, (_, n) => ({
      messageId: randomUUID(),
      kind: "text",
      text: `text ${n}`,
    }));
    const answers = await Promise.all(wanted.map((body, n) => (n % 2 ? at(one, ada) : at(two, ada)).post(path, body)));
    expect(answers.map(({ status }) => status)).toEqual(wanted.map(() => 201));
    expect(answers.map(({ body }) => Number(body.seq)).sort((a, b) => a - b)).toEqual(wanted.map((_, n) => n + 1));
    for (const [n, body] of wanted.slice(0, 10).entries()) {
      const again = await (n % 2 ? at(two, ada) : at(one, ada)).post(path, body);
      expect(comparable(again)).toEqual(comparable(answers[n] ?? again));
    }
    const highest = Math.max(...answers.map(({ body }) => Number(body.position)));
    const inOrder = async (api: Api) =>
      items(await at(api, ada).get(`${path}?limit=200&minPosition=${highest}`)).map(({ messageId }) => messageId);
    expect(await inOrder(one)).toEqual(await inOrder(two));
    const came = () =>
      watching.changes().flatMap((it) => (it.op === "message" && it.conversationId === tea ? [it.messageId] : []));
    await expect.poll(() => came().length, { timeout: 10_000 }).toBe(wanted.length);
    expect(came()).toEqual(await inOrder(two));
    await watching.close();
  });

  test("the same message at both at once is one", async () => {
    const ada = await one.person("ada");
    const path = `/conversations/${await group(ada)}/messages`;
    for (let n = 0; n < 10; n++) {
      const body = { messageId: randomUUID(), kind: "text", text: `text ${n}` };
      const [here, there] = await Promise.all([at(one, ada).post(path, body), at(two, ada).post(path, body)]);
      expect(comparable(here)).toEqual(comparable(there));
      expect(here).toMatchObject({ status: 201, body: { seq: n + 1 } });
    }
  });

  test("who is removed or signed out at one is so at the other, at once", async () => {
    const [ada, bo] = [await one.person("ada"), await two.person("bo")];
    const tea = await group(ada, [bo]);
    const bos = await liveSocket(two.url, bo.token);
    await ada.delete(`/conversations/${tea}/members/${bo.userId}`);
    await bos.change("left", ({ conversationId }) => conversationId === tea);
    const message = { conversationId: tea, messageId: randomUUID(), kind: "text", text: "still here?" };
    expect(await bos.command("SendMessage", message)).toMatchObject({ type: "reject", code: "not-found" });
    expect((await at(one, bo).post("/auth/logout", undefined)).status).toBe(204);
    expect(await bos.closed).toBe(4001);
    await expect.poll(async () => (await bo.get("/me")).status, { timeout: 1_000 }).toBe(401);
  });

  test("when one is killed the other goes on projecting, and its people come over with their cursors", async () => {
    const [ada, bo] = [await one.person("ada"), await two.person("bo")];
    const tea = await group(ada, [bo]);
    const before = await liveSocket(one.url, ada.token);
    const message = (text: string) => ({ conversationId: tea, messageId: randomUUID(), kind: "text", text });
    const first = message("before");
    expect(await before.command("SendMessage", first)).toMatchObject({ type: "ack" });
    await before.change("message", ({ messageId }) => messageId === first.messageId);
    await before.frame("cursor");
    const cursor = before.cursor();
    const unanswered = Array.from({ length: 30 }, (_, n) => message(`in flight ${n}`));
    const answers = unanswered.map((it) => before.command("SendMessage", it).catch(() => undefined));
    await answers[0];
    await servers.find(({ url }) => url === one.url)?.kill();
    await before.closed;
    const again = await liveSocket(two.url, ada.token, cursor);
    expect(again.frames[0]).toMatchObject({ type: "ready", resumed: true });
    for (const it of unanswered) expect(await again.command("SendMessage", it)).toMatchObject({ type: "ack" });
    const sent = await send(bo, tea, "after");
    const all = items(await bo.get(`/conversations/${tea}/messages?limit=200`, seeing(sent)));
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, n) => n + 1));
    expect(all.map(({ messageId }) => messageId).sort()).toEqual(
      [first.messageId, ...unanswered.map(({ messageId }) => messageId), sent.messageId].sort(),
    );
    await again.change("message", ({ messageId }) => messageId === sent.messageId);
    await again.close();
  }, 60_000);
});
