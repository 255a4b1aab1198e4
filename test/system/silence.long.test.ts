import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { apiOf, group } from "../support/apiClient.ts";
import { liveSocket, openSocket } from "../support/apiSocket.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
let api: ReturnType<typeof apiOf>;
// Short enough to see tokens end, long enough for what must be silent for half a minute.
beforeAll(async () => {
  server = await startServer({ SCRIPTA_TOKEN_SECONDS: "45" });
  api = apiOf(server.url);
}, 60_000);
afterAll(() => server?.stop(), 30_000);

describe.concurrent("a socket", () => {
  test("without hello in five seconds is closed with 4000", async () => {
    const socket = await openSocket(server.url);
    const start = performance.now();
    expect(await socket.closed).toBe(4000);
    expect(performance.now() - start).toBeGreaterThan(4_500);
    expect(performance.now() - start).toBeLessThan(9_000);
  });

  test("of which nothing is heard is offline after 10 s and closed after 30 s", async () => {
    const [ada, bo] = [await api.person("ada"), await api.person("bo")];
    await group(ada, [bo]);
    const watcher = await liveSocket(server.url, ada.token);
    watcher.send({ type: "watch", userIds: [bo.userId] });
    const socket = await openSocket(server.url, { autoPong: false });
    socket.send({ type: "hello", token: bo.token });
    await socket.frame("live");
    const start = performance.now();
    await watcher.frame("presence", ({ status }) => status === "online");
    const from = watcher.frames.length;
    const isOffline = () => watcher.frames.slice(from).some(({ status }) => status === "offline");
    while (!isOffline() && performance.now() - start < 25_000) await pause(100);
    expect(isOffline()).toBe(true);
    expect(performance.now() - start).toBeGreaterThan(9_500);
    expect(await socket.closed).toBe(4010);
    expect(performance.now() - start).toBeGreaterThan(29_000);
    await watcher.close();
  }, 60_000);

  test("is asked for a new token before its own ends, and goes on with it", async () => {
    const cy = await api.person("cy");
    const socket = await liveSocket(server.url, cy.token);
    const left = await api.login(cy.username, "tablet");
    const abandoned = await liveSocket(server.url, left.token);
    while (!socket.frames.some(({ type }) => type === "expiring")) await pause(100);
    expect(Number((await socket.frame("expiring")).in)).toBeLessThanOrEqual(30);
    const { status, body } = await api.ask("POST", "/auth/refresh", { body: { refreshToken: cy.refreshToken } });
    expect(status).toBe(200);
    socket.send({ type: "renew", token: body.accessToken });
    await socket.frame("renewed");
    // Whoever does not renew is closed when the token ends.
    expect(await abandoned.closed).toBe(4001);
    socket.send({ type: "ping" });
    await socket.frame("pong");
    expect((await api.ask("GET", "/me", { token: left.token })).status).toBe(401);
    socket.send({ type: "renew", token: left.token });
    expect(await socket.closed).toBe(4001);
  }, 60_000);
});

test("a server that is told to end tells its sockets to resume elsewhere, and answers what it took", async () => {
  const mine = await startServer();
  const { person } = apiOf(mine.url);
  const ada = await person("ada");
  const place = await group(ada);
  const socket = await liveSocket(mine.url, ada.token);
  const sent = Array.from({ length: 50 }, (_, n) =>
    socket
      .command("SendMessage", {
        conversationId: place,
        messageId: crypto.randomUUID(),
        kind: "text",
        text: `text ${n}`,
      })
      .catch(() => undefined),
  );
  await sent[0];
  const ended = once(mine.child, "exit");
  mine.child.kill("SIGTERM");
  expect(await socket.closed).toBe(4010);
  expect((await ended)[0]).toBe(0);
  await mine.stop();
}, 60_000);
