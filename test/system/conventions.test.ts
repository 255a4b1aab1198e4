import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  apiOf,
  type Body,
  comparable,
  group,
  items,
  type Person,
  after as seeing,
  send,
} from "../support/apiClient.ts";
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

const text = (more: Body = {}) => ({ messageId: randomUUID(), kind: "text", text: "hello", ...more });
const messages = () => `/conversations/${tea}/messages`;

describe("errors", () => {
  const isProblem = (answer: Awaited<ReturnType<Person["get"]>>, status: number, code: string) => {
    expect(answer.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(answer).toMatchObject({
      status,
      body: { type: expect.any(String), title: expect.any(String), status, code, traceId: expect.any(String) },
    });
  };

  test("are problem documents with a code, wherever they come from", async () => {
    isProblem(await ada.post(messages(), text({ text: "  " })), 400, "validation-failed");
    isProblem(await api.ask("GET", "/me"), 401, "unauthenticated");
    isProblem(await bo.patch(`/conversations/${tea}`, { name: "Coffee" }), 403, "forbidden");
    isProblem(await ada.get(`/conversations/${randomUUID()}`), 404, "not-found");
    isProblem(await ada.get("/no/such/route"), 404, "not-found");
    isProblem(await ada.delete(messages()), 405, "method-not-allowed");
    isProblem(await ada.post(messages(), text({ text: "x".repeat(16_385) })), 413, "too-large");
    isProblem(await ada.post(messages(), text({ text: "x".repeat(300_000) })), 413, "too-large");
    const raw = JSON.stringify(text());
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
      isProblem(await ada.post(messages(), { raw, headers: { "content-type": type } }), 415, "unsupported-media-type");
  });

  test("401 comes before 400, and 400 before 403", async () => {
    const url = `/conversations/${tea}`;
    expect((await api.ask("PATCH", url, { body: { name: 7, nonsense: true } })).status).toBe(401);
    expect((await api.ask("PATCH", url, { raw: "{", token: "not.a.token" })).status).toBe(401);
    expect((await bo.patch(url, { name: 7 })).status).toBe(400);
    expect((await bo.patch(url, { name: "Coffee" })).status).toBe(403);
    expect((await bo.put(`/admin/users/${bo.userId}/roles`, { roles: ["emperor"] })).status).toBe(400);
    expect((await bo.put(`/admin/users/${bo.userId}/roles`, { roles: ["admin"] })).status).toBe(403);
    expect((await api.ask("POST", messages(), { raw: "x".repeat(300_000) })).status).toBe(401);
  });

  test("a token counts only as a bearer's, never in a URL", async () => {
    expect((await api.ask("GET", "/me")).headers.get("www-authenticate")).toBe("Bearer");
    for (const authorization of ["", "Bearer", `Basic ${ada.token}`, `Bearer ${ada.token} x`, "Bearer x.y.z"])
      expect((await api.ask("GET", "/me", { headers: { authorization } })).status).toBe(401);
    expect((await api.ask("GET", `/me?token=${ada.token}&access_token=${ada.token}`)).status).toBe(401);
    const [head = "", claims = ""] = ada.token.split(".");
    const none = Buffer.from(JSON.stringify({ alg: "none", typ: "JWT" })).toString("base64url");
    for (const forged of [`${none}.${claims}.`, `${head}.${claims}.`, `${head}.${claims}.AAAA`, `${none}.${claims}.x`])
      expect((await api.ask("GET", "/me", { token: forged })).status).toBe(401);
  });

  test("never repeat what was sent", async () => {
    const secret = "persimmon-51";
    const answers = [
      await ada.post(messages(), text({ text: 7, [secret]: secret })),
      await ada.post(messages(), { raw: `{"text": "${secret}" ` }),
      await ada.post(messages(), text({ kind: secret, text: secret, replyTo: secret })),
      await ada.get(`/users?username=${secret}&more=${secret}`),
      await ada.get(`/conversations/${secret}`),
      await ada.put(`${messages()}/${randomUUID()}/reactions/${secret}`),
      await api.ask("POST", "/auth/login", { body: { username: secret, password: secret, device: secret } }),
      await api.ask("POST", "/auth/register", { body: { username: secret, password: "short", displayName: secret } }),
    ];
    for (const { status, body } of answers) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(JSON.stringify(body)).not.toContain(secret);
    }
  });

  test("answers are not stored by anybody on the way", async () => {
    for (const path of ["/me", "/conversations", `/conversations/${tea}/messages`, "/no-such"])
      expect((await ada.get(path)).headers.get("cache-control")).toContain("no-store");
  });
});

describe("what a request may hold", () => {
  const refused = async (body: unknown) => expect(await ada.post(messages(), { body })).toMatchObject({ status: 400 });

  test("unknown fields, U+0000, unpaired surrogates and depth beyond 32 are refused", async () => {
    await refused(text({ colour: "red" }));
    await refused(text({ text: "a\u0000b" }));
    await refused(text({ text: "\ud800" }));
    await refused(text({ text: "\udc00\ud800" }));
    await refused(text({ "a\u0000": 1 }));
    const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);
    await refused({ ...text(), kind: "encrypted", text: null, ciphertext: "QUJD", keyInfo: deep(40) });
    expect(
      await ada.post(messages(), {
        body: { messageId: randomUUID(), kind: "encrypted", ciphertext: "QUJD", keyInfo: deep(30) },
      }),
    ).toMatchObject({ status: 201 });
    for (const raw of ["", "{", "null", "[]", "7", '"text"', "{}{}", '{"__proto__": {"text": "x"}}', "\ufeff{}"])
      expect((await ada.post(messages(), { raw })).status, raw).toBe(400);
    await refused(text({ __proto__: undefined, constructor: { name: "x" } }));
  });

  test("bytes that are no UTF-8 do not become text", async () => {
    const raw = Buffer.concat([
      Buffer.from(`{"messageId":"${randomUUID()}","kind":"text","text":"`),
      Buffer.from([0xc3, 0x28]),
      Buffer.from('"}'),
    ]);
    const { status, body } = await ada.post(messages(), { raw: new Uint8Array(raw) });
    expect([status, body.code]).toEqual([400, "validation-failed"]);
  });

  test("strings keep their code points", async () => {
    for (const exact of [
      "  spaced  ",
      "e\u0301 and \u00e9",
      "\u200fمرحبا",
      "👩‍👩‍👧‍👦",
      "a\r\nb\tc",
      "\ufeffbom",
      "\u2028a\u2029",
    ]) {
      const { messageId, position } = await send(ada, tea, exact);
      expect((await bo.get(`${messages()}/${messageId}`, seeing({ position }))).body.text).toBe(exact);
    }
  });

  test("a text has up to 16,384 bytes, a body up to 256 KiB, an encrypted message up to 24 KiB", async () => {
    expect((await ada.post(messages(), text({ text: "x".repeat(16_384) }))).status).toBe(201);
    expect((await ada.post(messages(), text({ text: "é".repeat(8_192) }))).status).toBe(201);
    expect(await ada.post(messages(), text({ text: "é".repeat(8_193) }))).toMatchObject({
      status: 413,
      body: { code: "too-large" },
    });
    const encrypted = (bytes: number) => ({
      messageId: randomUUID(),
      kind: "encrypted",
      ciphertext: Buffer.alloc(bytes, 7).toString("base64"),
    });
    expect((await ada.post(messages(), encrypted(24 * 1024))).status).toBe(201);
    expect((await ada.post(messages(), encrypted(24 * 1024 + 1))).status).toBeGreaterThanOrEqual(400);
    expect((await ada.post(messages(), { ...encrypted(3), ciphertext: "not base64!" })).status).toBe(400);
  });

  test("a path that names nothing is not found, however strange it is", async () => {
    for (const path of ["..", "%00", "%ff", "a'b", "x".repeat(2_000), "%2e%2e%2f", "undefined", "null"])
      expect((await ada.get(`/conversations/${path}/messages`)).status, path).toBe(404);
  });

  test("U+0000 is no text in a query either, nor an emoji", async () => {
    const { messageId } = await send(ada, tea, "hello");
    for (const answer of [
      await ada.get("/users?username=a%00b"),
      await ada.put(`${messages()}/${messageId}/reactions/%00`),
      await ada.delete(`${messages()}/${messageId}/reactions/a%00`),
    ])
      expect(answer).toMatchObject({ status: 400, body: { code: "validation-failed" } });
  });

  test("ids are the same in capitals", async () => {
    expect((await ada.get(`/conversations/${tea.toUpperCase()}`)).body.conversationId).toBe(tea);
  });

  test("a client that sends its request a byte a minute holds nobody else up", async () => {
    const slow = request(`${server.url}/api/v1/auth/login`, { method: "POST", headers: { "content-length": "100" } });
    slow.on("error", () => undefined);
    slow.write("{");
    expect((await ada.get("/me")).status).toBe(200);
    slow.destroy();
  });
});

describe("the same key again", () => {
  test("gives the first status and body, for sending and for creating", async () => {
    const body = text();
    const first = await ada.post(messages(), { body });
    expect(first.status).toBe(201);
    const again = await ada.post(messages(), { body });
    expect(comparable(again)).toEqual(comparable(first));

    const key = { "idempotency-key": randomUUID() };
    const created = { kind: "group", name: "Once", members: [{ userId: bo.userId }] };
    const once = await ada.post("/conversations", { body: created, headers: key });
    expect(comparable(await ada.post("/conversations", { body: created, headers: key }))).toEqual(comparable(once));
    const other = await ada.post("/conversations", { body: { ...created, name: "Twice" }, headers: key });
    expect(other).toMatchObject({ status: 409, body: { code: "conflict" } });
    // What it creates gets its id from person and key.
    const bos = await bo.post("/conversations", { body: { ...created, members: [] }, headers: key });
    expect(bos.status).toBe(201);
    expect(bos.body.conversationId).not.toBe(once.body.conversationId);
  });

  test("with another body, route or person is a conflict that changes nothing", async () => {
    const body = text();
    const first = await ada.post(messages(), { body });
    const conflict = { status: 409, body: { code: "conflict" } };
    expect(await ada.post(messages(), { body: { ...body, text: "other" } })).toMatchObject(conflict);
    expect(await bo.post(messages(), { body })).toMatchObject(conflict);
    const headers = { "idempotency-key": String(body.messageId) };
    expect(await ada.patch(`/conversations/${tea}`, { body: { name: "Other" }, headers })).toMatchObject(conflict);
    const path = `${messages()}/${body.messageId}`;
    expect((await ada.get(path, seeing(first))).body).toMatchObject({
      text: "hello",
      senderId: ada.userId,
      seq: first.body.seq,
    });
    expect((await ada.get(`/conversations/${tea}`)).body.name).toBe("Tea");
  });

  test("answers a rename, an edit, a reaction and a removal as it did the first time, whatever came after", async () => {
    const cy = await api.person("cy");
    const place = await group(ada, [bo, cy]);
    const { messageId } = await send(ada, place, "one");
    const keyed = (body?: Body) => ({ ...(body ? { body } : {}), headers: { "idempotency-key": randomUUID() } });
    const [renaming, editing, reacting, adding, removing] = [
      keyed({ name: "Coffee" }),
      keyed({ text: "two" }),
      keyed(),
      keyed({ userId: cy.userId }),
      keyed(),
    ];
    const act = async () => [
      comparable(await ada.patch(`/conversations/${place}`, renaming)),
      comparable(await ada.patch(`/conversations/${place}/messages/${messageId}`, editing)),
      comparable(await ada.put(`/conversations/${place}/messages/${messageId}/reactions/🌱`, reacting)),
      comparable(await ada.delete(`/conversations/${place}/members/${cy.userId}`, removing)),
      comparable(await ada.post(`/conversations/${place}/members`, adding)),
    ];
    const first = await act();
    expect(first.map(({ status }) => status)).toEqual([200, 200, 200, 200, 201]);
    await ada.patch(`/conversations/${place}`, { name: "Juice" });
    await ada.patch(`/conversations/${place}/messages/${messageId}`, { text: "three" });
    expect(await act()).toEqual(first);
    expect((await ada.get(`/conversations/${place}`)).body).toMatchObject({ name: "Juice", memberCount: 3 });
  });

  test("is 404 for whoever is no longer a member", async () => {
    const cy = await api.person("cy");
    const place = await group(ada, [cy]);
    const body = text();
    expect((await cy.post(`/conversations/${place}/messages`, { body })).status).toBe(201);
    await ada.delete(`/conversations/${place}/members/${cy.userId}`);
    expect(await cy.post(`/conversations/${place}/messages`, { body })).toMatchObject({
      status: 404,
      body: { code: "not-found" },
    });
  });

  test("that was refused is decided anew", async () => {
    const cy = await api.person("cy");
    const place = await group(ada);
    const body = text();
    expect((await cy.post(`/conversations/${place}/messages`, { body })).status).toBe(404);
    await ada.post(`/conversations/${place}/members`, { userId: cy.userId });
    expect((await cy.post(`/conversations/${place}/messages`, { body })).status).toBe(201);
  });

  test("counts within one conversation", async () => {
    const place = await group(ada);
    const body = text();
    expect((await ada.post(messages(), { body })).status).toBe(201);
    expect((await ada.post(`/conversations/${place}/messages`, { body })).status).toBe(201);
  });

  test("sent many times at once, makes one message", async () => {
    const place = await group(ada);
    const body = text();
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => ada.post(`/conversations/${place}/messages`, { body })),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(comparable(answer)))).size).toBe(1);
    expect(
      items(await ada.get(`/conversations/${place}/messages`, seeing(answers[0] ?? { position: 0 }))),
    ).toHaveLength(1);
  });

  test("must be a UUID", async () => {
    const answer = await ada.post("/conversations", {
      body: { kind: "group", name: "x", members: [] },
      headers: { "idempotency-key": "seven" },
    });
    expect(answer.status).toBe(400);
  });

  test("for an account is bound to the name", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const username = `dee-${randomUUID().slice(0, 8)}`;
    const body = { username, password: "the password of dee", displayName: "Dee" };
    const first = await api.ask("POST", "/auth/register", { body, headers });
    expect(first.status).toBe(201);
    expect(comparable(await api.ask("POST", "/auth/register", { body, headers }))).toEqual(comparable(first));
    const other = { ...body, username: `${username}2` };
    expect((await api.ask("POST", "/auth/register", { body: other, headers })).status).not.toBe(200);
    expect((await api.ask("POST", "/auth/register", { body })).status).toBe(409);
  });
});

describe("reading one's own write", () => {
  test("a read that names the position of a write sees it; in header or query", async () => {
    for (let n = 0; n < 10; n++) {
      const { messageId, position } = await send(ada, tea, `text ${n}`);
      const where = `${messages()}/${messageId}`;
      expect((await ada.get(where, seeing({ position }))).status).toBe(200);
      expect((await bo.get(`${where}?minPosition=${position}`)).status).toBe(200);
    }
  });

  test("a position that is far ahead is refused by name after two seconds, on every read", async () => {
    const far = `minPosition=${Number.MAX_SAFE_INTEGER}`;
    const paths = [
      "/me",
      "/conversations",
      messages(),
      `/conversations/${tea}/members`,
      "/sync",
      `/users/${bo.userId}`,
    ];
    const start = performance.now();
    const answers = await Promise.all(paths.map((path) => ada.get(`${path}?${far}`)));
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 503, body: { code: "projection-behind" } });
      expect(answer.headers.get("retry-after")).toBe("1");
    }
    expect(performance.now() - start).toBeLessThan(4_000);
    const inHeader = { headers: { "scripta-min-position": String(Number.MAX_SAFE_INTEGER) } };
    expect(await ada.get("/me", inHeader)).toMatchObject({ status: 503, body: { code: "projection-behind" } });
  });
});

describe("a position that is none", () => {
  test.each(["soon", "", "-1", "1.5", "1e3", "0x10", "99999999999999999", " 1 2"])(
    "is refused: %j",
    async (position) => {
      for (const path of ["/me", "/users?username=nobody", "/conversations", messages(), "/sync"]) {
        const joint = path.includes("?") ? "&" : "?";
        const inQuery = await ada.get(`${path}${joint}minPosition=${encodeURIComponent(position)}`);
        expect(inQuery, path).toMatchObject({ status: 400, body: { code: "validation-failed" } });
        const inHeader = await ada.get(path, { headers: { "scripta-min-position": position } });
        expect(inHeader, path).toMatchObject({ status: 400, body: { code: "validation-failed" } });
      }
    },
  );

  test("is one that comes twice, too", async () =>
    expect((await ada.get("/me?minPosition=1&minPosition=1")).status).toBe(400));
});

describe("the process", () => {
  test("says that it lives, that it is ready, and counts without naming anybody", async () => {
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
    const ready = await fetch(`${server.url}/health/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.text()).toMatch(/rate/i);
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    expect(metrics).toContain("# TYPE");
    for (const name of [ada.username, ada.userId, tea, bo.deviceId]) expect(metrics).not.toContain(name);
  });

  test("publishes its contract", async () => {
    for (const path of ["/openapi.json", "/asyncapi.json", "/docs"])
      expect((await fetch(server.url + path)).status).toBe(200);
  });
});
