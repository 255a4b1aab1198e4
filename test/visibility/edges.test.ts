import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { glob, readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { z } from "zod";
import { after, comparable, items, passwordOf } from "../support/apiClient.ts";
import { liveSocket, openSocket } from "../support/apiSocket.ts";
import { aScene, CANARY, type Scene } from "./scene.ts";

/** What other chat servers fell to, where no single door is at fault. */

let scene: Scene;
beforeAll(async () => {
  scene = await aScene();
}, 60_000);
afterAll(() => scene?.stop());

/** The status that an upgrade is refused with. */
async function refusedUpgrade(path: string, options: WebSocket.ClientOptions, protocols = ["scripta.v1"]) {
  const ws = new WebSocket(scene.url.replace("http", "ws") + path, protocols, options);
  ws.on("error", () => undefined);
  const [, response] = await once(ws, "unexpected-response");
  ws.terminate();
  return response.statusCode;
}

test("a page of another origin opens no socket; one's own does", async () => {
  const path = "/api/v1/realtime";
  expect(await refusedUpgrade(path, { origin: "https://elsewhere.example" })).toBe(403);
  expect(await refusedUpgrade(path, { origin: "null" })).toBe(403);
  expect(await refusedUpgrade(path, {}, ["another.protocol"])).toBe(400);
  const own = await openSocket(scene.url, { origin: scene.url });
  await own.close();
});

test("a cookie or a token in the URL signs nobody in, over HTTP or on the socket", async () => {
  const { api, owner, url } = scene;
  for (const name of ["token", "access_token", "authorization"])
    expect((await api.ask("GET", `/me?${name}=${owner.token}`)).status).toBe(401);
  const headers = { cookie: `token=${owner.token}; accessToken=${owner.token}` };
  expect((await api.ask("GET", "/me", { headers })).status).toBe(401);
  const socket = await openSocket(url, { headers: { ...headers, authorization: `Bearer ${owner.token}` } });
  socket.send({ type: "command", id: "1", name: "SendMessage", payload: {} });
  expect(await socket.closed).toBe(4000);
});

test("other origins are given no leave to read or to send", async () => {
  const headers = { origin: "https://elsewhere.example", "access-control-request-method": "POST" };
  const preflight = await fetch(`${scene.url}/api/v1/conversations`, { method: "OPTIONS", headers });
  expect(preflight.headers.get("access-control-allow-origin")).toBeNull();
  const simple = await fetch(`${scene.url}/api/v1/auth/login`, {
    method: "POST",
    headers: { ...headers, "content-type": "text/plain" },
    body: JSON.stringify({ username: "root", password: passwordOf("root"), device: { name: "x", platform: "x" } }),
  });
  expect(simple.status).toBe(415);
});

test("nobody is raised by a field that should not be there", async () => {
  const { api, people, admin } = scene;
  const { stranger } = people;
  const account = { username: "raised", password: "a long password", displayName: "R" };
  for (const more of [{ roles: ["admin"] }, { guest: false }, { userId: admin.userId }])
    expect((await api.ask("POST", "/auth/register", { body: { ...account, ...more } })).status).toBe(400);
  expect((await stranger.patch("/me", { roles: ["admin"] })).status).toBe(400);
  expect((await stranger.get("/me")).body.roles).toEqual([]);
  const { conversationId } = scene.target("owner");
  const at = `/conversations/${conversationId}`;
  expect((await people.fellow.patch(at, { role: "owner" })).status).toBe(400);
  for (const role of ["owner", "admin"])
    expect((await people.fellow.patch(`${at}/members/${people.fellow.userId}`, { role })).status).toBe(403);
});

const Lookups = z.object({
  paths: z.record(
    z.string(),
    z.object({ get: z.object({ parameters: z.array(z.object({ name: z.string() })).default([]) }).optional() }),
  ),
});

test("whoever has no right to search what is kept of others learns nothing by asking, by whatever it is asked for", async () => {
  const { owner, people, url } = scene;
  const ids = { ...scene.target("owner"), caseId: scene.target("owner").approvalId, by: owner.userId };
  const { paths } = Lookups.parse(await (await fetch(`${url}/openapi.json`)).json());
  const isId = (name: string): name is keyof typeof ids => Object.hasOwn(ids, name);
  const lookups = Object.entries(paths).flatMap(([path, { get }]) =>
    get && path.startsWith("/api/v1/compliance/") ? [{ path: path.slice("/api/v1".length), ...get }] : [],
  );
  expect(lookups.length).toBeGreaterThanOrEqual(10);
  for (const { path, parameters } of lookups) {
    const asked = (idOf: (name: keyof typeof ids) => string) => {
      const filled = path.replace(/\{(\w+)\}/g, (_, name) => (isId(name) ? idOf(name) : "1"));
      const query = parameters.map(({ name }) => name).filter((name) => isId(name) && !path.includes(`{${name}}`));
      return ["", ...query].map((name) => (isId(name) ? `${filled}?${name}=${idOf(name)}` : filled));
    };
    const there = asked((name) => ids[name]);
    const nowhere = asked(() => randomUUID());
    for (const [at, real] of there.entries()) {
      for (const person of [owner, people.fellow, people.guest, people.former, people.stranger])
        expect([real, (await person.get(real)).status]).toEqual([real, 403]);
      // Whoever has the right elsewhere is not even told that there is something.
      const [one, other] = [await people.otherTenant.get(real), await people.otherTenant.get(nowhere[at] ?? "")];
      const told = JSON.stringify(one.body).replaceAll(real, "");
      for (const id of [owner.userId, ids.messageId, ids.exportId, CANARY]) expect(told).not.toContain(id);
      if (real !== nowhere[at]) expect([real, one.status, found(one)]).toEqual([real, other.status, found(other)]);
    }
  }
});

/** What a list holds; of what is refused, why. */
const found = ({ status, body }: Parameters<typeof comparable>[0]) => (status === 200 ? body.items : body.detail);

test("nobody marks, writes or reacts in another's name", async () => {
  const { owner, people } = scene;
  const { fellow } = people;
  const { conversationId, messageId } = scene.target("owner");
  const at = `/conversations/${conversationId}`;
  for (const path of [`${at}/read`, `${at}/delivered`])
    expect((await fellow.post(path, { body: { seq: 1, userId: owner.userId } })).status).toBe(400);
  const forged = { messageId: crypto.randomUUID(), text: "x", senderId: owner.userId };
  expect((await fellow.post(`${at}/messages`, forged)).status).toBe(400);
  expect((await fellow.put(`${at}/messages/${messageId}/reactions/🎈`, { userId: owner.userId })).status).toBe(400);
});

test("a wrong name and a wrong password, a stranger and nobody read alike", async () => {
  const { api, admin, people, owner } = scene;
  const device = { name: "x", platform: "x" };
  const login = (username: string, tenant = "main") =>
    api.ask("POST", "/auth/login", { body: { username, password: "not the right one", device, tenant } });
  const wrong = await Promise.all([login(admin.username), login("nobody-at-all"), login("root", "no-such-tenant")]);
  expect(new Set(wrong.map((answer) => JSON.stringify(comparable(answer)))).size).toBe(1);
  const { stranger } = people;
  const there = await stranger.get(`/users/${owner.userId}`);
  expect(comparable(there)).toEqual(comparable(await stranger.get(`/users/${crypto.randomUUID()}`)));
  expect(items(await stranger.get(`/users?ids=${owner.userId}`))).toEqual([]);
});

test("another person's cursor, and another device's, is worth nothing", async () => {
  const { owner, people, again } = scene;
  const { cursor } = (await owner.get("/sync")).body;
  const stranger = await people.stranger.get(`/sync?cursor=${cursor}`);
  expect(stranger.body).toMatchObject({ reset: true });
  expect(JSON.stringify(stranger.body)).not.toContain(CANARY);
  const tablet = await again(owner);
  expect((await tablet.get(`/sync?cursor=${cursor}`)).body).toMatchObject({ reset: true });
  const socket = await liveSocket(scene.url, people.stranger.token, String(cursor));
  expect(await socket.frame("ready")).toMatchObject({ resumed: false });
  expect(JSON.stringify(socket.frames)).not.toContain(CANARY);
  await socket.close();
});

test("a socket takes no other person's token in place of its own", async () => {
  const socket = await liveSocket(scene.url, scene.people.stranger.token);
  socket.send({ type: "renew", token: scene.owner.token });
  expect(await socket.closed).toBe(4001);
  expect(JSON.stringify(socket.frames)).not.toContain(CANARY);
});

test("sockets of who signs out or is deactivated close at once, and hear nothing more", async () => {
  const { admin, api, owner } = scene;
  const [leaver, banned] = await Promise.all([api.person("leaver"), api.person("banned")]);
  const { conversationId } = (await scene.disposable()).target;
  for (const { userId } of [leaver, banned])
    expect((await owner.post(`/conversations/${conversationId}/members`, { userId })).status).toBe(201);
  const sockets = [await liveSocket(scene.url, leaver.token), await liveSocket(scene.url, banned.token)];
  await leaver.post("/auth/logout");
  await admin.post(`/admin/users/${banned.userId}/deactivate`);
  for (const socket of sockets) expect(await socket.closed).toBe(4001);
  await owner.post(`/conversations/${conversationId}/messages`, { messageId: crypto.randomUUID(), text: "unheard" });
  for (const socket of sockets) expect(JSON.stringify(socket.frames)).not.toContain("unheard");
});

test("a person of one tenant is nobody in another: not to be added, written to or looked up", async () => {
  const { owner, people } = scene;
  const { otherTenant, fellow } = people;
  const { conversationId } = scene.target("owner");
  const add = await owner.post(`/conversations/${conversationId}/members`, { userId: otherTenant.userId });
  expect(comparable(add)).toEqual(
    comparable(await owner.post(`/conversations/${conversationId}/members`, { userId: crypto.randomUUID() })),
  );
  expect(add.status).toBe(404);
  expect((await otherTenant.post("/conversations", { kind: "direct", userId: fellow.userId })).status).toBe(404);
  expect(items(await otherTenant.get(`/users?username=${fellow.username}`))).toEqual([]);
});

test("server roles open no conversation", async () => {
  const { admin } = scene;
  const { conversationId, messageId } = scene.target("owner");
  const at = `/conversations/${conversationId}`;
  for (const path of [at, `${at}/messages`, `${at}/messages/${messageId}`, `${at}/members`])
    expect((await admin.get(path)).status).toBe(404);
  expect(JSON.stringify((await admin.get("/sync")).body)).not.toContain(CANARY);
});

test("what the server answers beside its doors is known, and tells of nobody", async () => {
  const beside = ["/asyncapi.json", "/docs", "/health/live", "/health/ready", "/metrics", "/openapi.json"];
  const declared = new Set<string>();
  for await (const file of glob("infra/**/*.ts"))
    for (const [, path = ""] of (await readFile(file, "utf8")).matchAll(
      /(?:app[.]\w+(?:<[^(]*>)?\(|url: |const PATH = )\s*["`](\/[^"`]+)["`]/g,
    ))
      declared.add(path);
  // The verifiable log names nobody by its form: its leaves hash what is sealed.
  expect([...declared].sort()).toEqual(["/api/v1/realtime", "/tlog/*", ...beside].sort());
  for (const path of beside) {
    const response = await fetch(scene.url + path);
    expect({ path, status: response.status }).toEqual({ path, status: 200 });
    const text = await response.text();
    for (const told of [CANARY, scene.owner.userId, scene.target("owner").conversationId])
      expect(text).not.toContain(told);
  }
});

test("where history is open to all a latecomer reads what was before, and no longer when it is closed again", async () => {
  const { api, owner } = scene;
  const { target } = await scene.disposable();
  const at = `/conversations/${target.conversationId}`;
  const latecomer = await api.person("latecomer-too");
  await owner.post(`${at}/members`, { userId: latecomer.userId });
  const socket = await liveSocket(scene.url, latecomer.token);
  const texts = async (change: { position: number }) =>
    items(await latecomer.get(`${at}/messages`, after(change))).map(({ text }) => text);
  const settings = async (historyVisibility: string) =>
    z.object({ position: z.number() }).parse((await owner.patch(at, { settings: { historyVisibility } })).body);
  expect(await texts(await settings("all"))).toEqual(["to be spoiled", "to be acknowledged"]);
  const closed = await settings("joined");
  expect(await texts(closed)).toEqual([]);
  expect((await latecomer.get(`${at}/messages/${target.messageId}`)).status).toBe(404);
  await socket.change("left");
  await socket.close();
  expect(JSON.stringify((await latecomer.get("/sync")).body)).not.toContain("to be spoiled");
});
