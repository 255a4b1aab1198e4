import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { after, apiOf, group, type Person, passwordOf, send } from "../support/apiClient.ts";
import { type ApiSocket, liveSocket, openSocket } from "../support/apiSocket.ts";
import { startInProcess } from "../support/inProcess.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let api: ReturnType<typeof apiOf>;
let ada: Person;
let bo: Person;
let tea: string;
beforeAll(async () => {
  server = await startInProcess();
  api = apiOf(server.url);
  [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  tea = await group(ada, [bo]);
}, 60_000);
afterAll(() => server?.stop());

const messages = () => `/conversations/${tea}/messages`;
const text = (given: unknown, more: object = {}) => ({ messageId: randomUUID(), kind: "text", text: given, ...more });
const isWell = async () => expect((await ada.get("/me")).status).toBe(200);

/** Speaks to the server in bytes. Gives what came back until it closed, or for at most some time. */
async function raw(bytes: string | Buffer, withinMs = 2_000): Promise<string> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  let answer = "";
  socket.on("data", (chunk) => {
    answer += chunk.toString("latin1");
  });
  socket.on("error", () => undefined);
  socket.write(bytes);
  const ended = new AbortController();
  await Promise.race([
    once(socket, "close").catch(() => undefined),
    pause(withinMs, undefined, { signal: ended.signal }).catch(() => undefined),
  ]);
  ended.abort();
  socket.destroy();
  return answer;
}

describe("operators in place of values", () => {
  const operators: readonly unknown[] = [
    { $ne: null },
    { $gt: "" },
    { $regex: ".*" },
    { $where: "1" },
    ["ada"],
    { toString: "x" },
    true,
    0,
  ];
  test("sign nobody in", async () => {
    for (const operator of operators) {
      const device = { name: "x", platform: "x" };
      for (const credentials of [
        { username: operator, password: passwordOf(ada.username) },
        { username: ada.username, password: operator },
      ])
        expect((await api.ask("POST", "/auth/login", { body: { ...credentials, device } })).status).toBe(400);
      expect((await api.ask("POST", "/auth/refresh", { body: { refreshToken: operator } })).status).toBe(400);
    }
  });

  test("find nobody and nothing", async () => {
    for (const query of ["username[$ne]=x", "username[]=x", "ids[$in]=x", "username=x&username=y", "$where=1"])
      expect((await ada.get(`/users?${query}`)).status, query).toBe(400);
    for (const wild of ["%", "*", ".*", "'or'1'='1", "\\", "_"])
      expect(await ada.get(`/users?username=${encodeURIComponent(wild)}`)).toMatchObject({
        status: 200,
        body: { items: [] },
      });
    expect((await ada.get(`${messages()}?before[$gt]=0`)).status).toBe(400);
    expect((await ada.get(`${messages()}?threadRoot=' or ''='`)).status).toBe(400);
  });
});

test("paths lead nowhere but to what they name, however they are written", async () => {
  for (const path of [
    "/docs/../health/../../etc/passwd",
    "/docs/%2e%2e/%2e%2e/etc/passwd",
    "/docs/..%2f..%2fpackage.json",
    "/docs\\..\\..\\package.json",
    "/api/v1/%2e%2e/%2e%2e/package.json",
    "//etc/passwd",
    "/docs/%252e%252e%252fpackage.json",
    "/package.json",
    "/infra/main.ts",
  ]) {
    const answer = await raw(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    expect(answer, path).toMatch(/^HTTP\/1\.1 40[04]/);
    expect(answer).not.toMatch(/root:|"dependencies"|import /);
  }
  await isWell();
});

test("markup in names and texts stays data, and nothing that people write is served as a page", async () => {
  const markup = `<script>alert(1)</script><img src=x onerror=alert(1)>"'\``;
  const { position } = await send(ada, tea, markup);
  expect((await ada.patch("/me", { displayName: markup })).status).toBe(200);
  expect((await ada.patch(`/conversations/${tea}`, { name: markup, description: markup })).status).toBe(200);
  for (const path of [messages(), `/conversations/${tea}`, "/me", "/sync", `/conversations/${tea}/members`]) {
    const { headers, body } = await ada.get(path, after({ position }));
    expect(JSON.stringify(body)).toContain("<script>alert(1)</script>");
    expect(headers.get("content-type")).toMatch(/^application\/json/);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  }
  const lost = await fetch(`${server.url}/${encodeURIComponent(markup)}`);
  expect(lost.headers.get("content-type")).toMatch(/^application\/problem\+json/);
  expect(await lost.text()).not.toContain("<script");
});

describe("handshakes and frames that others crashed on", () => {
  const upgrade = (...headers: string[]) =>
    `GET /api/v1/realtime HTTP/1.1\r\nhost: x\r\n${headers.map((header) => `${header}\r\n`).join("")}\r\n`;
  const asked = ["connection: upgrade", "upgrade: websocket", "sec-websocket-protocol: scripta.v1"];
  const key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
  const version = "sec-websocket-version: 13";

  test("are refused, and the server goes on", async () => {
    const answers = await Promise.all(
      [
        upgrade(...asked),
        upgrade(...asked, version),
        upgrade(...asked, key),
        upgrade(...asked, version, "sec-websocket-key: short"),
        upgrade(...asked, key, "sec-websocket-version: 99"),
        upgrade("connection: upgrade", "upgrade: websocket", "sec-websocket-protocol: ,,;\u007f", key, version),
        upgrade("connection: upgrade", "upgrade: h2c", "http2-settings: AAMAAABkAARAAAAA"),
        upgrade(...Array.from({ length: 3_000 }, (_, at) => `x-${at}: y`), ...asked, key, version),
        upgrade(...asked, key, version, `cookie: ${"a".repeat(40_000)}`),
        `POST /api/v1/realtime HTTP/1.1\r\nhost: x\r\n${asked.join("\r\n")}\r\n${key}\r\n${version}\r\n\r\n`,
        `GET /api/v1/me HTTP/1.1\r\nhost: x\r\n${asked.join("\r\n")}\r\n${key}\r\n${version}\r\n\r\n`,
        "GET /api/v1/realtime HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u0016\u0003\u0001\u0002\u0000\u0001",
        Buffer.alloc(100_000, 0xff),
      ].map((bytes) => raw(bytes)),
    );
    for (const answer of answers) {
      expect(answer).not.toMatch(/^HTTP\/1\.1 (101|2..|5..)/);
      if (/^HTTP\/1\.1 413/.test(answer)) expect(answer).toContain('"code":"too-large"');
    }
    expect(answers.filter((answer) => answer.startsWith("HTTP/1.1 413"))).toHaveLength(2);
    await isWell();
  });

  test("with odd headers besides are none the wiser for them", async () => {
    for (const odd of [";;,=\"'", "permessage-deflate", "permessage-deflate; server_max_window_bits=99"]) {
      const answer = await raw(upgrade(`sec-websocket-extensions: ${odd}`, ...asked, key, version), 500);
      expect(answer).toMatch(/^HTTP\/1\.1 101/);
      expect(answer).not.toMatch(/sec-websocket-extensions/i);
    }
    await isWell();
  });

  test("bytes that are no frames close their own socket alone", async () => {
    const whole = upgrade(...asked, key, version);
    const frames = [
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      [0x81, 0x05, 0x68, 0x65],
      [0xc1, 0x80, 0, 0, 0, 0],
      [0x89, 0xfe, 0x7f, 0xff],
      [0x88, 0x81, 0, 0, 0, 0, 1],
      [0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      [0x80, 0x80, 0, 0, 0, 0],
      [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28],
    ];
    const bystander = await liveSocket(server.url, ada.token);
    const answers = await Promise.all(
      frames.map((frame) => raw(Buffer.concat([Buffer.from(whole), Buffer.from(frame)]), 1_000)),
    );
    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 101/);
    bystander.send({ type: "ping" });
    await bystander.frame("pong");
    await bystander.close();
  });

  test("a frame said in a thousand pieces, or never finished, costs its sender alone", async () => {
    const socket = await openSocket(server.url);
    for (let piece = 0; piece < 1_000; piece++) socket.ws.send("[", { fin: false });
    socket.ws.send("x".repeat(300_000), { fin: true });
    expect([1009, 4000]).toContain(await socket.closed);
    await isWell();
  });
});

test("a flood of multipart parts is not read", async () => {
  const part = '--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n\r\n';
  const headers = { "content-type": "multipart/form-data; boundary=x" };
  const start = performance.now();
  for (const count of [1_000, 4_000, 100_000]) {
    const { status } = await ada.post(messages(), { raw: `${part.repeat(count)}--x--`, headers });
    expect([413, 415]).toContain(status);
  }
  expect(performance.now() - start).toBeLessThan(5_000);
  await isWell();
});

test("no text takes long to be understood", async () => {
  const long = (unit: string, bytes = 16_000) => unit.repeat(Math.floor(bytes / Buffer.byteLength(unit)));
  const texts = ["http://", "http://a.", "www.", "a@", "@", "(((", "\u0301", "👩‍", "a ", "\\", "://", "-", "h", "_*~`"];
  for (const unit of texts) {
    const start = performance.now();
    expect((await ada.post(messages(), text(`x${long(unit)}!`))).status).toBe(201);
    expect(performance.now() - start, unit).toBeLessThan(1_000);
  }
  const { messageId } = await send(ada, tea, "react");
  const start = performance.now();
  for (const emoji of [":a".repeat(200), `${"👩‍".repeat(40)}👩`, ":".repeat(400), "\u0301".repeat(200)])
    expect((await ada.put(`${messages()}/${messageId}/reactions/${encodeURIComponent(emoji)}`)).status).toBe(400);
  for (const username of [`${"a.-_".repeat(20_000)}!`, "a".repeat(200_000)]) {
    const body = { username, password: "x".repeat(12), displayName: "x" };
    expect((await api.ask("POST", "/auth/register", { body })).status).toBe(400);
  }
  expect((await ada.put("/me/preferences", { body: zoneOf("a/".repeat(30)) })).status).toBe(400);
  expect((await api.ask("GET", "/me", { token: `${"a.".repeat(3_000)}` })).status).toBe(401);
  const refresh = { refreshToken: `${"a-".repeat(16)}.${"0".repeat(36)}.${"9".repeat(100_000)}` };
  expect([400, 401]).toContain((await api.ask("POST", "/auth/refresh", { body: refresh })).status);
  expect(performance.now() - start).toBeLessThan(3_000);
});

const zoneOf = (timeZone: string) => ({
  quietHours: { from: "22:00", to: "07:00", timeZone },
  preview: true,
  enabled: true,
});

test("every list in a request has an end", async () => {
  const ids = (count: number) => Array.from({ length: count }, () => randomUUID());
  const { messageId } = await send(ada, tea, "lists");
  const refused = [
    ada.post(messages(), text("x", { mentions: ids(101) })),
    ada.patch(`${messages()}/${messageId}`, { text: "x", mentions: ids(5_000) }),
    ada.post(messages(), text("x", { attachments: ids(11).map((mediaId) => ({ mediaId })) })),
    ada.post("/conversations", { kind: "group", name: "x", members: ids(1_025).map((userId) => ({ userId })) }),
    ada.get(`/users?ids=${ids(201).join()}`),
    ada.put("/me/preferences", {
      ...zoneOf("Europe/Berlin"),
      quietHours: { from: "22:00", to: "07:00", timeZone: "Europe/Berlin", days: Array(5_000).fill("mon") },
    }),
  ];
  for (const [at, { status }] of (await Promise.all(refused)).entries()) expect(status, `list ${at}`).toBe(400);
  const kinds = Array.from({ length: 20 }, (_, at) => `:kind${at}:`);
  for (const kind of kinds) expect((await ada.put(`${messages()}/${messageId}/reactions/${kind}`)).status).toBe(200);
  expect((await ada.put(`${messages()}/${messageId}/reactions/:onemore:`)).status).toBe(409);
  const socket = await liveSocket(server.url, ada.token);
  socket.send({ type: "watch", userIds: ids(201) });
  expect(await socket.closed).toBe(4000);
});

test("a password has an end before it costs anything", async () => {
  const device = { name: "x", platform: "x" };
  const start = performance.now();
  for (let count = 0; count < 20; count++) {
    const password = "p".repeat(200_000);
    const login = { username: ada.username, password, device };
    expect((await api.ask("POST", "/auth/login", { body: login })).status).toBe(400);
    const register = { username: `eve-${count}`, password, displayName: "Eve" };
    expect((await api.ask("POST", "/auth/register", { body: register })).status).toBe(400);
  }
  expect(performance.now() - start).toBeLessThan(3_000);
});

describe("who has not signed in", () => {
  test("cannot hold connections by sending headers a byte at a time", async () => {
    const start = performance.now();
    const { hostname, port } = new URL(server.url);
    const slow = connect(Number(port), hostname);
    slow.on("error", () => undefined);
    slow.write("GET /health/live HTTP/1.1\r\n");
    const dripping = setInterval(() => slow.write("a"), 250);
    slow.resume();
    await once(slow, "close");
    clearInterval(dripping);
    expect(performance.now() - start).toBeLessThan(15_000);
    await isWell();
  });

  test.each([
    { trusted: "", told: 429 },
    { trusted: "127.0.0.0/8", told: 401 },
  ])(
    "is slowed down by the own address, told by a proxy that is trusted ($trusted) and by nobody else",
    async (given) => {
      const limited = await startInProcess({ SCRIPTA_RATE_LIMITS: "on", SCRIPTA_TRUSTED_PROXIES: given.trusted });
      const login = async (client: string) => {
        const body = { username: randomUUID(), password: "x", device: { name: "phone", platform: "test" } };
        const headers = { "x-forwarded-for": `192.0.2.1, ${client}` };
        return (await apiOf(limited.url).ask("POST", "/auth/login", { body, headers })).status;
      };
      for (let count = 0; count < 10; count++) expect(await login("203.0.113.7")).toBe(401);
      expect(await login("203.0.113.7")).toBe(429);
      expect(await login("203.0.113.8")).toBe(given.told);
      await limited.stop();
    },
  );

  test("holds a hundred sockets of an address open and no more; those who say hello make room", async () => {
    const limited = await startInProcess({ SCRIPTA_RATE_LIMITS: "on" });
    const person = await apiOf(limited.url).person("cy");
    const sockets: ApiSocket[] = [];
    for (let count = 0; count < 100; count++) sockets.push(await openSocket(limited.url));
    const refusal = async () => {
      const ws = new WebSocket(`${limited.url.replace("http", "ws")}/api/v1/realtime`, "scripta.v1");
      ws.on("error", () => undefined);
      const [, response] = await once(ws, "unexpected-response");
      response.resume();
      return [response.statusCode, response.headers["retry-after"]];
    };
    expect(await refusal()).toEqual([429, "5"]);
    const [first] = sockets;
    first?.send({ type: "hello", token: person.token });
    await first?.frame("live");
    sockets.push(await openSocket(limited.url));
    expect(await refusal()).toEqual([429, "5"]);
    // Whoever does not say it is sent away after five seconds, and all may come again.
    for (const socket of sockets.slice(1)) expect(await socket.closed).toBe(4000);
    await (await openSocket(limited.url)).close();
    await first?.close();
    await limited.stop();
  }, 60_000);
});
