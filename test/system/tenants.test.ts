import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type Api,
  apiOf,
  comparable,
  group,
  items,
  type Person,
  passwordOf,
  after as seeing,
  send,
} from "../support/apiClient.ts";
import { liveSocket } from "../support/apiSocket.ts";
import { startServer, type TestServer } from "../support/server.ts";

const run = promisify(execFile);
const program = fileURLToPath(new URL("../../operator/scripta.ts", import.meta.url));

let server: TestServer;
let api: Api;
let ada: Person;
let twin: Person;
beforeAll(async () => {
  server = await startServer();
  api = apiOf(server.url);
  await run(process.execPath, [program, "tenant", "add", "clinic", "--admin", `root:${passwordOf("root")}`], {
    env: { ...process.env, SCRIPTA_DATA: server.dataFolder },
  });
  const registration = { username: "ada", password: passwordOf("ada") };
  for (const [tenant, displayName] of [
    ["main", "Ada of main"],
    ["clinic", "Ada of the clinic"],
  ])
    expect(await api.ask("POST", "/auth/register", { body: { ...registration, displayName, tenant } })).toMatchObject({
      status: 201,
    });
  ada = await api.login("ada");
  twin = await api.login("ada", "phone", "clinic");
}, 90_000);
afterAll(() => server?.stop(), 30_000);

test("the same username is two people, and the administrator of one is nobody in the other", async () => {
  expect(ada.userId).not.toBe(twin.userId);
  expect((await ada.get("/me")).body).toMatchObject({ displayName: "Ada of main" });
  expect((await twin.get("/me")).body).toMatchObject({ displayName: "Ada of the clinic" });
  const root = await api.login("root", "phone", "clinic");
  expect((await root.get("/me")).body.roles).toContain("admin");
  const credentials = { username: "root", password: passwordOf("root"), device: { name: "x", platform: "x" } };
  const elsewhere = await api.ask("POST", "/auth/login", { body: credentials });
  const nowhere = await api.ask("POST", "/auth/login", { body: { ...credentials, tenant: "nowhere" } });
  expect(elsewhere.status).toBe(401);
  expect(comparable(nowhere)).toEqual(comparable(elsewhere));
  const registration = { username: "zoe", password: passwordOf("zoe"), displayName: "Zoe", tenant: "nowhere" };
  expect((await api.ask("POST", "/auth/register", { body: registration })).status).toBe(404);
  expect((await root.post(`/admin/users/${ada.userId}/deactivate`)).status).toBe(404);
  expect((await root.put(`/admin/users/${ada.userId}/roles`, { roles: ["admin"] })).status).toBe(404);
});

test("what belongs to one does not exist in the other, on any route", async () => {
  const place = await group(ada);
  const { messageId, position } = await send(ada, place, "of main alone");
  const url = `/conversations/${place}`;
  await ada.get(url, seeing({ position }));
  for (const path of [
    "",
    "/members",
    "/messages",
    "/preferences",
    `/messages/${messageId}`,
    `/messages/${messageId}/receipts`,
  ]) {
    const there = await twin.get(url + path);
    expect(there.status, path).toBe(404);
    const nowhere = `/conversations/${randomUUID()}${path}`;
    expect(comparable(there)).toEqual(comparable(await twin.get(nowhere)));
  }
  const message = { messageId, kind: "text", text: "of main alone" };
  expect((await twin.post(`${url}/messages`, message)).status).toBe(404);
  expect((await twin.post("/conversations", { kind: "direct", userId: ada.userId })).status).toBe(404);
  const members = [{ userId: ada.userId }];
  expect((await twin.post("/conversations", { kind: "group", name: "x", members })).status).toBe(404);
  const own = await group(twin);
  expect((await twin.post(`/conversations/${own}/members`, { userId: ada.userId })).status).toBe(404);
  expect((await twin.get(`/users/${ada.userId}`)).status).toBe(404);
  expect(items(await twin.get("/users?username=ada"))).toMatchObject([{ userId: twin.userId }]);
  expect(items(await twin.get(`/users?ids=${ada.userId}`))).toEqual([]);
  expect(items(await twin.get("/conversations")).map(({ conversationId }) => conversationId)).not.toContain(place);
  expect((await twin.delete(`/me/devices/${ada.deviceId}`)).status).toBe(404);
});

test("the same ids and keys in both are two things", async () => {
  const [here, there] = [await group(ada), await group(twin)];
  const message = { messageId: randomUUID(), kind: "text", text: "same id" };
  expect(await ada.post(`/conversations/${here}/messages`, message)).toMatchObject({ status: 201, body: { seq: 1 } });
  expect(await twin.post(`/conversations/${there}/messages`, message)).toMatchObject({ status: 201, body: { seq: 1 } });
});

test("sockets, cursors and presence stay within", async () => {
  const [adas, twins] = [await liveSocket(server.url, ada.token), await liveSocket(server.url, twin.token)];
  twins.send({ type: "watch", userIds: [ada.userId] });
  const place = await group(ada);
  const { messageId } = await send(ada, place, "of main alone");
  await adas.change("message", (it) => it.messageId === messageId);
  twins.send({ type: "typing", conversationId: place });
  expect(await twins.command("MarkRead", { conversationId: place, seq: 1 })).toMatchObject({ code: "not-found" });
  const own = await group(twin);
  await twins.change("conversation", ({ conversationId }) => conversationId === own);
  expect(JSON.stringify(twins.frames)).not.toContain(ada.userId);
  expect(JSON.stringify(twins.frames)).not.toContain(place);
  expect(adas.frames.some(({ type }) => type === "typing")).toBe(false);
  const crossed = await liveSocket(server.url, twin.token, adas.cursor());
  expect(crossed.frames[0]).toMatchObject({ resumed: false });
  expect(JSON.stringify(crossed.frames)).not.toContain(place);
  await Promise.all([adas.close(), twins.close(), crossed.close()]);
});
