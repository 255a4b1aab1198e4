import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { z } from "zod";
import { ScriptaClient } from "./index.ts";

/** What a server may do at the other end of the line, and no server of ours does on demand. */
const Frame = z.looseObject({
  type: z.string(),
  id: z.string().optional(),
  token: z.string().optional(),
  cursor: z.string().optional(),
  name: z.string().optional(),
});
type Frame = z.infer<typeof Frame>;

class Peer {
  readonly frames: Frame[] = [];
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => this.frames.push(Frame.parse(JSON.parse(String(data)))));
  }

  send(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }

  close(code: number): void {
    this.#socket.close(code);
  }

  break(): void {
    this.#socket.terminate();
  }

  async next(type: string): Promise<Frame> {
    await expect
      .poll(() => this.frames.some((frame) => frame.type === type), { timeout: 5_000, interval: 5 })
      .toBe(true);
    const index = this.frames.findIndex((frame) => frame.type === type);
    const [frame] = this.frames.splice(index, 1);
    if (!frame) throw new Error(`no ${type}`);
    return frame;
  }

  /** Hello, and nothing missed. */
  async welcome(cursor: string): Promise<Frame> {
    const hello = await this.next("hello");
    this.send({ type: "ready", userId: "ada", deviceId: "phone", resumed: hello.cursor !== undefined });
    this.send({ type: "live", cursor });
    return hello;
  }
}

const unavailable = (_: IncomingMessage, response: ServerResponse) => {
  response.writeHead(503, { "content-type": "application/problem+json" });
  response.end(JSON.stringify({ code: "unavailable", title: "later", status: 503, traceId: "0" }));
  return true;
};

let server: Server;
let url: string;
let refreshes: number;
let refuse: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
const peers: Peer[] = [];
const clients: ScriptaClient[] = [];

const tokens = (number: number) => ({
  accessToken: `access ${number}`,
  refreshToken: `refresh ${number}`,
  expiresIn: 900,
  userId: "ada",
  deviceId: "phone",
});

beforeEach(async () => {
  refreshes = 0;
  refuse = undefined;
  server = createServer((request, response) => {
    if (refuse?.(request, response)) return;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(request.url?.endsWith("/refresh") ? tokens(++refreshes) : tokens(0)));
  });
  new WebSocketServer({ server, path: "/api/v1/realtime" }).on("connection", (socket) => peers.push(new Peer(socket)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const peer of peers.splice(0)) peer.break();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function peer(): Promise<Peer> {
  await expect.poll(() => peers.length, { timeout: 5_000, interval: 5 }).toBeGreaterThan(0);
  const next = peers.shift();
  if (!next) throw new Error("nobody connected");
  return next;
}

async function live(): Promise<{ client: ScriptaClient; first: Peer }> {
  const device = { name: "phone", platform: "test" };
  const client = await ScriptaClient.login({ url, username: "ada", password: "not a secret at all", device });
  clients.push(client);
  const connected = client.connect();
  const first = await peer();
  await first.welcome("cursor 1");
  await connected;
  return { client, first };
}

describe("a connection", () => {
  test("resumes at once from its last cursor when the server goes away", async () => {
    const { first } = await live();
    first.send({ type: "cursor", cursor: "cursor 2" });
    first.close(4010);
    expect(await (await peer()).welcome("cursor 2")).toMatchObject({ cursor: "cursor 2", token: "access 0" });
  });

  test("stays down once it was replaced", async () => {
    const { client, first } = await live();
    first.close(4009);
    await expect.poll(() => client.status).toEqual({ status: "stopped", why: "replaced" });
  });

  test("renews a refused token once; refused again, it stops", async () => {
    const { client, first } = await live();
    first.close(4001);
    const second = await peer();
    expect((await second.next("hello")).token).toBe("access 1");
    second.close(4001);
    await expect.poll(() => client.status).toEqual({ status: "stopped", why: "signed-out" });
    expect(refreshes).toBe(1);
  });

  test("stops when the device was signed out", async () => {
    const { client, first } = await live();
    refuse = (_, response) => {
      response.writeHead(401, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ code: "unauthenticated", title: "signed out", status: 401, traceId: "0" }));
      return true;
    };
    first.close(4001);
    await expect.poll(() => client.status).toEqual({ status: "stopped", why: "signed-out" });
  });

  test("brings a new token when the server asks, and stays up", async () => {
    const { client, first } = await live();
    first.send({ type: "expiring", in: 30 });
    first.send({ type: "expiring", in: 30 });
    expect((await first.next("renew")).token).toBe("access 1");
    expect(refreshes).toBe(1);
    expect(client.status).toEqual({ status: "live" });
  });

  test("passes over frames that it does not know", async () => {
    const { client, first } = await live();
    first.send({ type: "something new" });
    first.send({ type: "cursor", cursor: "cursor 2" });
    expect(client.status).toEqual({ status: "live" });
  });
});

describe("a command", () => {
  test("whose answer was lost goes again, under the same id, and is answered once", async () => {
    const { client, first } = await live();
    const sent = client.send("tea", "hello");
    const { id } = await first.next("command");
    refuse = unavailable;
    first.break();
    const second = await peer();
    await second.welcome("cursor 1");
    const again = await second.next("command");
    expect(again.id).toBe(id);
    second.send({
      type: "ack",
      id,
      position: 5,
      revision: 1,
      messageId: id,
      seq: 1,
      sentAt: "2026-01-01T00:00:00.000Z",
    });
    expect(await sent).toMatchObject({ position: 5, seq: 1 });
    expect(client.unanswered).toBe(0);
  });

  test("that comes too soon waits as long as the server says", async () => {
    const { client, first } = await live();
    const sent = client.send("tea", "hello");
    const { id } = await first.next("command");
    first.send({ type: "reject", id, code: "rate-limited", detail: "slower", retryAfter: 1 });
    const refusedAt = Date.now();
    expect((await first.next("command")).id).toBe(id);
    expect(Date.now() - refusedAt).toBeGreaterThanOrEqual(950);
    first.send({ type: "ack", id, position: 5, revision: 1 });
    await sent;
  });

  test("acknowledged before a reset goes again: a restored server may have lost it", async () => {
    const { client, first } = await live();
    const sent = client.send("tea", "hello");
    const { id } = await first.next("command");
    first.send({ type: "ack", id, position: 5, revision: 1 });
    await sent;
    first.close(4010);
    const second = await peer();
    await second.next("hello");
    second.send({ type: "ready", userId: "ada", deviceId: "phone", resumed: false });
    second.send({ type: "reset" });
    second.send({ type: "live", cursor: "cursor of another epoch" });
    expect((await second.next("command")).id).toBe(id);
  });

  test("goes over HTTP while there is no socket, again after 503, under its key", async () => {
    const device = { name: "phone", platform: "test" };
    const client = await ScriptaClient.login({ url, username: "ada", password: "not a secret at all", device });
    clients.push(client);
    const asked: { url: string | undefined; key: unknown }[] = [];
    refuse = (request, response) => {
      asked.push({ url: request.url, key: request.headers["idempotency-key"] });
      const ready = asked.length > 1;
      response.writeHead(ready ? 200 : 503, {
        "content-type": ready ? "application/json" : "application/problem+json",
        "retry-after": "0",
      });
      const problem = { code: "unavailable", title: "later", status: 503, traceId: "0" };
      response.end(JSON.stringify(ready ? { position: 3, revision: 1 } : problem));
      return true;
    };
    await client.react("tea", "m1", "👍");
    const path = `/api/v1/conversations/tea/messages/m1/reactions/${encodeURIComponent("👍")}`;
    expect(asked.map((request) => request.url)).toEqual([path, path]);
    expect(asked[0]?.key).toMatch(/^[0-9a-f-]{36}$/);
    expect(asked[1]?.key).toBe(asked[0]?.key);
  });
});
