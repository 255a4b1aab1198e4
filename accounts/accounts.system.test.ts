import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer, type TestServer } from "../test/support/server.ts";

const BOOTSTRAP = { SCRIPTA_BOOTSTRAP_ADMIN: "root:the password of root" };
const passwordOf = (username: string) => `the password of ${username}`;

let server: TestServer;
beforeAll(async () => {
  server = await startServer(BOOTSTRAP);
}, 60_000);
afterAll(async () => {
  await server.stop();
  await rm(server.dataFolder, { recursive: true, force: true });
}, 30_000);

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

async function ask(
  method: string,
  path: string,
  { body, token, ...headers }: { body?: unknown; token?: string; [header: string]: unknown } = {},
): Promise<Answer> {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method,
    headers: {
      ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? {} : JSON.parse(text) };
}

const registrationOf = (username: string) => ({ username, password: passwordOf(username), displayName: username });
const login = (username: string, password = passwordOf(username)) =>
  ask("POST", "/auth/login", { body: { username, password, device: { name: "phone", platform: "test" } } });

async function person(username: string) {
  expect(await ask("POST", "/auth/register", { body: registrationOf(username) })).toMatchObject({ status: 201 });
  return signedIn(username);
}

async function signedIn(username: string) {
  const { status, body } = await login(username);
  expect(status).toBe(200);
  const text = (name: string) => String(body[name]);
  return {
    userId: text("userId"),
    token: text("accessToken"),
    refreshToken: text("refreshToken"),
    deviceId: text("deviceId"),
  };
}

describe("through the front door", () => {
  test("one registers, signs in, reads and changes oneself, and signs out", async () => {
    const key = randomUUID();
    const registered = await ask("POST", "/auth/register", { body: registrationOf("ada"), "idempotency-key": key });
    expect(registered).toMatchObject({ status: 201, body: { userId: expect.any(String) } });
    const again = await ask("POST", "/auth/register", { body: registrationOf("ada"), "idempotency-key": key });
    expect([again.status, again.body]).toEqual([201, registered.body]);
    expect(await ask("POST", "/auth/register", { body: registrationOf("ada") })).toMatchObject({
      status: 409,
      body: { code: "conflict" },
    });

    const ada = await signedIn("ada");
    expect(ada.userId).toBe(registered.body.userId);
    const me = await ask("GET", "/me", { token: ada.token });
    expect(me.headers.get("cache-control")).toBe("no-store");
    expect(me.body).toEqual({
      userId: ada.userId,
      username: "ada",
      displayName: "ada",
      avatar: null,
      roles: [],
      preferences: { quietHours: null, preview: true, enabled: true },
      revision: expect.any(Number),
    });

    const changed = await ask("PATCH", "/me", { token: ada.token, body: { displayName: "Ada L." } });
    expect(changed).toMatchObject({
      status: 200,
      body: { position: expect.any(Number), revision: expect.any(Number) },
    });
    const minimum = { "scripta-min-position": changed.body.position };
    expect((await ask("GET", "/me", { token: ada.token, ...minimum })).body).toMatchObject({ displayName: "Ada L." });

    const preferences = {
      quietHours: { from: "22:00", to: "07:00", timeZone: "Asia/Tokyo" },
      preview: false,
      enabled: true,
    };
    const set = await ask("PUT", "/me/preferences", { token: ada.token, body: preferences });
    const after = { token: ada.token, "scripta-min-position": set.body.position };
    expect((await ask("GET", "/me/preferences", after)).body).toEqual(preferences);

    const { token } = ada;
    expect((await ask("GET", "/me/devices", { token })).body).toMatchObject({
      items: [{ deviceId: ada.deviceId, name: "phone", platform: "test", current: true }],
    });
    expect(await ask("POST", "/auth/logout", { token })).toMatchObject({ status: 204, body: {} });
    expect(await ask("GET", "/me", { token })).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    const renewed = await ask("POST", "/auth/refresh", { body: { refreshToken: ada.refreshToken } });
    expect(renewed.status).toBe(401);
  });

  test("what is not of its shape is refused, and never repeated", async () => {
    const wrong = await ask("POST", "/auth/register", {
      body: { ...registrationOf("bad"), password: "hunter2", roles: ["admin"] },
    });
    expect(wrong).toMatchObject({ status: 400, body: { code: "validation-failed" } });
    expect(JSON.stringify(wrong.body)).not.toContain("hunter2");
    const endless = { username: "root", password: "x".repeat(200_000), device: { name: "a", platform: "b" } };
    expect((await ask("POST", "/auth/login", { body: endless })).status).toBe(400);
    const typed = { username: { $ne: null }, password: { $ne: null }, device: { name: "a", platform: "b" } };
    expect((await ask("POST", "/auth/login", { body: typed })).status).toBe(400);
  });

  test("wrong names and wrong passwords look alike; the eleventh guess is told to wait", async () => {
    await person("bea");
    const comparable = ({ status, body: { traceId: _, ...body } }: Answer) => ({ status, body });
    const unknown = comparable(await login("nobody", "wrong password"));
    expect(unknown.status).toBe(401);
    for (let n = 0; n < 10; n++) expect(comparable(await login("bea", "wrong password"))).toEqual(unknown);
    const refused = await login("bea");
    expect(refused).toMatchObject({ status: 429, body: { code: "rate-limited" } });
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(800);
  });

  test("administrators give roles and shut accounts; others cannot", async () => {
    const root = await signedIn("root");
    const cleo = await person("cleo");
    const roles = { roles: ["auditor"] };
    const path = `/admin/users/${cleo.userId}`;
    expect((await ask("PUT", `${path}/roles`, { token: cleo.token, body: roles })).status).toBe(403);
    expect((await ask("PUT", `${path}/roles`, { body: roles })).status).toBe(401);
    expect((await ask("PUT", `${path}/roles`, { token: root.token, body: roles })).status).toBe(200);
    expect((await ask("GET", "/me", { token: cleo.token })).body).toMatchObject({ roles: ["auditor"] });
    expect((await ask("POST", `${path}/deactivate`, { token: root.token })).status).toBe(200);
    expect((await ask("GET", "/me", { token: cleo.token })).status).toBe(401);
    expect((await login("cleo")).status).toBe(401);
    expect((await ask("POST", `${path}/reactivate`, { token: root.token })).status).toBe(200);
    expect((await ask("GET", "/me", { token: cleo.token })).status).toBe(401);
    expect((await login("cleo")).status).toBe(200);
    const own = `/admin/users/${root.userId}`;
    expect((await ask("PUT", `${own}/roles`, { token: root.token, body: { roles: [] } })).status).toBe(409);
    expect((await ask("POST", `/admin/users/${randomUUID()}/deactivate`, { token: root.token })).status).toBe(404);
  });

  test("strangers and nobody are the same 404", async () => {
    const dora = await person("dora");
    const emil = await person("emil");
    const comparable = ({ status, body: { traceId: _, ...body } }: Answer) => ({ status, body });
    const stranger = comparable(await ask("GET", `/users/${emil.userId}`, { token: dora.token }));
    expect(stranger).toEqual(comparable(await ask("GET", `/users/${randomUUID()}`, { token: dora.token })));
    expect(stranger.status).toBe(404);
    expect((await ask("GET", "/users?username=emil", { token: dora.token })).body).toEqual({
      items: [{ userId: emil.userId, username: "emil", displayName: "emil", avatar: null, erased: false }],
    });
    expect((await ask("GET", `/users?ids=${emil.userId}`, { token: dora.token })).body).toEqual({ items: [] });
  });

  test("whoever was signed in is so after a crash, whoever was signed out is not", async () => {
    const stays = await person("finn");
    const leaves = await person("gil");
    expect((await ask("POST", "/auth/logout", { token: leaves.token })).status).toBe(204);
    const { dataFolder } = server;
    await server.kill();
    server = await startServer({ ...BOOTSTRAP, SCRIPTA_DATA: dataFolder });
    expect((await ask("GET", "/me", { token: stays.token })).body).toMatchObject({ username: "finn" });
    expect((await ask("GET", "/me", { token: leaves.token })).status).toBe(401);
    expect((await ask("POST", "/auth/refresh", { body: { refreshToken: stays.refreshToken } })).status).toBe(200);
    await signedIn("root");
  }, 90_000);
});
