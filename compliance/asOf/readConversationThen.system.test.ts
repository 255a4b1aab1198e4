import { afterAll, beforeAll, expect, test } from "vitest";
import { after, apiOf, group, items, type Person, passwordOf, type Sent, send } from "../../test/support/apiClient.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { brokenAccess } from "../access/accessLog.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let [root, auditor, ada, bo]: Person[] = [];
let tea: string;
let said: Sent;
let path: string;
beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
  const api = apiOf(server.url);
  root = await api.login("root");
  [auditor, ada, bo] = [await api.person("auditor"), await api.person("ada"), await api.person("bo")];
  await root.put(`/admin/users/${auditor.userId}/roles`, { roles: ["auditor"] });
  tea = await group(ada, [bo], "Tea");
  path = `/compliance/conversations/${tea}/messages`;
  said = await send(ada, tea, "said in haste");
}, 60_000);
afterAll(() => server?.stop());

const them = () => {
  if (!root || !auditor || !ada || !bo) throw new Error("nobody is there");
  return { root, auditor, ada, bo };
};
const accesses = async () =>
  (
    await server.running.foundation.database.query<{ actor: string; device: string; action: string; about: object }>(
      "select actor, device, action, about from compliance.access_log order by entry",
    )
  ).rows;

test("an auditor reads what was deleted since, and that it was read is written down", async () => {
  const { auditor, ada, bo } = them();
  await bo.put(`/conversations/${tea}/messages/${said.messageId}/reactions/👍`);
  const edited = await ada.patch(`/conversations/${tea}/messages/${said.messageId}`, { text: "said on reflection" });
  await bo.post(`/conversations/${tea}/read`, { seq: 1 });
  await ada.patch(`/conversations/${tea}`, { name: "Supper" });
  const gone = await ada.delete(`/conversations/${tea}/messages/${said.messageId}`);
  expect(gone.status).toBe(200);

  const first = await auditor.get(`${path}?asOf=${said.position}`);
  expect(first).toMatchObject({
    status: 200,
    body: {
      asOf: { position: said.position, recordedAt: expect.any(String) },
      conversation: { conversationId: tea, kind: "group", name: "Tea", memberCount: 2, lastSeq: 1 },
      items: [{ messageId: said.messageId, text: "said in haste", editedAt: null, reactions: [], deleted: false }],
      senders: [{ userId: ada.userId, displayName: "ada" }],
      more: { before: false, after: false },
    },
  });
  expect(first.body.members).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ userId: ada.userId, role: "owner", displayName: "ada", read: 1, delivered: 1 }),
      expect.objectContaining({ userId: bo.userId, role: "member", displayName: "bo", read: 0, delivered: 0 }),
    ]),
  );
  const later = await auditor.get(`${path}?asOf=${Number(gone.body.position) - 1}`);
  expect(later.body).toMatchObject({
    conversation: { name: "Supper" },
    items: [{ text: "said on reflection", reactions: [{ emoji: "👍", count: 1, userIds: [bo.userId] }] }],
  });
  const now = await auditor.get(path);
  expect(now.body).toMatchObject({
    items: [{ text: null, deleted: true, erased: false, reactions: [], deletedPosition: gone.body.position }],
  });
  const byTime = await auditor.get(`${path}?asOf=${encodeURIComponent(String(later.body.asOf && timeOf(later.body)))}`);
  expect(byTime.body.asOf).toMatchObject({ recordedAt: timeOf(later.body) });

  const page = { conversationId: tea, first: 1, last: 1, members: 2 };
  const [one, two, three] = (await accesses()).slice(-4);
  const who = { actor: auditor.userId, device: auditor.deviceId, action: "read-conversation" };
  expect([one, two, three]).toMatchObject([
    { ...who, about: { ...page, position: said.position } },
    { ...who, about: { ...page, position: Number(gone.body.position) - 1 } },
    { ...who, about: page },
  ]);
  expect(Number(edited.body.position)).toBeGreaterThan(said.position);
  for await (const broken of brokenAccess(server.running.foundation.database)) expect(broken).toBeUndefined();
});

const timeOf = ({ asOf }: { readonly asOf?: unknown }): string =>
  typeof asOf === "object" && asOf !== null && "recordedAt" in asOf ? String(asOf.recordedAt) : "";

test("before it was there, in another organisation and for other roles there is nothing", async () => {
  const { auditor, ada, root } = them();
  expect((await auditor.get(`${path}?asOf=1`)).status).toBe(404);
  expect((await auditor.get(`${path}?asOf=2020-01-01T00:00Z`)).status).toBe(404);
  expect((await auditor.get(`/compliance/conversations/${crypto.randomUUID()}/messages`)).status).toBe(404);
  expect((await ada.get(path)).status).toBe(403);
  expect((await root.get(path)).status).toBe(200);
  for (const query of [
    "asOf=yesterday",
    "asOf=-1",
    "asOf=2026-13-01T00:00Z",
    "limit=0",
    "limit=201",
    "before=1&after=2",
  ])
    expect({ query, status: (await auditor.get(`${path}?${query}`)).status }).toEqual({ query, status: 400 });
});

test("pages are cut by seq", async () => {
  const { auditor, ada } = them();
  for (let seq = 2; seq <= 6; seq++) await send(ada, tea, `text ${seq}`);
  const seqs = async (query: string) => items(await auditor.get(`${path}?${query}`)).map(({ seq }) => seq);
  expect(await seqs("limit=2")).toEqual([5, 6]);
  expect(await seqs("limit=2&before=5")).toEqual([3, 4]);
  expect(await seqs("limit=2&after=2")).toEqual([3, 4]);
  expect(await seqs("limit=3&around=4")).toEqual([3, 4, 5]);
});

test("what is erased stays erased at any time, and its reactions are gone", async () => {
  const { auditor, ada, bo } = them();
  const before = await send(bo, tea, "bo was here");
  const reacted = await bo.put(`/conversations/${tea}/messages/${said.messageId}/reactions/🎈`);
  const own = await send(ada, tea, "and ada");
  await bo.put(`/conversations/${tea}/messages/${own.messageId}/reactions/🎈`);
  const last = await send(ada, tea, "the end");
  await ada.get("/me", after(last));
  await server.running.foundation.sealing.destroy([{ tenant: "main", of: bo.userId }]);
  const { body } = await auditor.get(`${path}?asOf=${last.position}&after=6`);
  expect(reacted.status).toBe(410);
  expect(body.items).toMatchObject([
    { messageId: before.messageId, senderId: bo.userId, text: null, deleted: true, erased: true },
    { text: "and ada", reactions: [] },
    { text: "the end" },
  ]);
  expect(body.members).toContainEqual(expect.objectContaining({ userId: bo.userId, displayName: null }));
  expect(body.senders).toContainEqual({ userId: bo.userId, displayName: null });
});

test("what cannot be written down is not shown", async () => {
  const { auditor } = them();
  const { database } = server.running.foundation;
  await database.query("alter table compliance.access_log rename to taken_away");
  const refused = await auditor.get(path);
  await database.query("alter table compliance.taken_away rename to access_log");
  expect(refused).toMatchObject({ status: 503, body: { code: "unavailable" } });
  expect(JSON.stringify(refused.body)).not.toContain("text");
  expect((await auditor.get(path)).status).toBe(200);
});
