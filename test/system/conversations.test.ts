import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Api, apiOf, comparable, group, items, type Person, after as seeing, send } from "../support/apiClient.ts";
import { startInProcess } from "../support/inProcess.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let api: Api;
let ada: Person;
let bo: Person;
let cy: Person;
let gus: Person;
let zoe: Person;
beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_GROUP_LIMIT: "6" });
  api = apiOf(server.url);
  [ada, bo, cy, gus, zoe] = await Promise.all([
    api.person("ada"),
    api.person("bo"),
    api.person("cy"),
    api.person("gus"),
    api.person("zoe"),
  ]);
}, 60_000);
afterAll(() => server?.stop());

/** A group of an owner, an admin, a member and a guest; Zoe is none of them. */
let here: string;
let url: string;
beforeEach(async () => {
  here = await group(ada, [
    [bo, "admin"],
    [cy, "member"],
    [gus, "guest"],
  ]);
  url = `/conversations/${here}`;
});

/** What somebody sees of a message, or of the conversation, once all that was answered so far is in the read models. */
const latest = async (path: string, by: Person = ada) => {
  const { body } = await ada.put(`${url}/preferences`, { notify: "all", mutedUntil: new Date().toISOString() });
  return by.get(path, seeing({ position: Number(body.position) }));
};
const see = async (messageId: string, by: Person = ada) => (await latest(`${url}/messages/${messageId}`, by)).body;
const status = async (asked: Promise<{ status: number }>) => (await asked).status;

describe("conversations", () => {
  test("the same pair always has the same direct one, whoever asks; with oneself there is none", async () => {
    const first = await ada.post("/conversations", { kind: "direct", userId: zoe.userId });
    expect(first.status).toBe(201);
    const again = await zoe.post("/conversations", { kind: "direct", userId: ada.userId });
    expect(again).toMatchObject({ status: 200, body: { conversationId: first.body.conversationId } });
    expect(await ada.post("/conversations", { kind: "direct", userId: ada.userId })).toMatchObject({ status: 400 });
    expect(await ada.post("/conversations", { kind: "direct", userId: randomUUID() })).toMatchObject({ status: 404 });
    const path = `/conversations/${first.body.conversationId}`;
    expect((await ada.get(path, seeing(again))).body).toMatchObject({
      kind: "direct",
      name: null,
      peer: { userId: zoe.userId, displayName: "zoe" },
      memberCount: 2,
    });
    expect(await status(ada.post(`${path}/members`, { userId: bo.userId }))).toBe(409);
    expect(await status(ada.delete(`${path}/members/${ada.userId}`))).toBe(409);
    expect(await status(ada.patch(path, { name: "Us" }))).toBe(409);
  });

  test("a new group is as it was made", async () => {
    expect((await latest(url)).body).toMatchObject({
      conversationId: here,
      kind: "group",
      name: "Tea",
      description: null,
      avatar: null,
      peer: null,
      settings: { historyVisibility: "joined" },
      role: "owner",
      memberCount: 4,
      firstSeq: 1,
      lastSeq: 0,
      lastMessage: null,
      unread: 0,
      mentions: 0,
      notify: "all",
      expiredTo: null,
    });
    const roles = items(await latest(`${url}/members`)).map(({ userId, role }) => [userId, role]);
    expect(new Map(roles.map(([userId, role]) => [userId, role]))).toEqual(
      new Map([
        [ada.userId, "owner"],
        [bo.userId, "admin"],
        [cy.userId, "member"],
        [gus.userId, "guest"],
      ]),
    );
  });

  test("the inbox is by last activity and pages without skipping", async () => {
    const me = await api.person("pager");
    const all: string[] = [];
    for (let n = 0; n < 7; n++) all.push(await group(me, [], `group ${n}`));
    const [first = ""] = all;
    const sent = await send(me, first, "now the latest");
    const seen: unknown[] = [];
    let cursor = "";
    do {
      const page = await me.get(`/conversations?limit=3&minPosition=${sent.position}${cursor}`);
      seen.push(...items(page).map(({ conversationId }) => conversationId));
      cursor = page.body.cursor === null ? "" : `&cursor=${encodeURIComponent(String(page.body.cursor))}`;
    } while (cursor !== "");
    expect(seen).toEqual([first, ...all.slice(1).reverse()]);
    for (const query of ["limit=0", "limit=201", "limit=x", "cursor=garbage", "colour=red"])
      expect(await status(me.get(`/conversations?${query}`)), query).toBe(400);
  });

  test("a strange one and none are the same 404, on every route", async () => {
    const nowhere = `/conversations/${randomUUID()}`;
    const { messageId } = await send(ada, here, "secret");
    const body = { messageId: randomUUID(), kind: "text", text: "x" };
    for (const [method, path, sent] of [
      ["get", "", undefined],
      ["patch", "", { name: "Mine" }],
      ["get", "/members", undefined],
      ["post", "/members", { userId: zoe.userId }],
      ["patch", `/members/${zoe.userId}`, { role: "owner" }],
      ["delete", `/members/${ada.userId}`, undefined],
      ["get", "/preferences", undefined],
      ["put", "/preferences", { notify: "none", mutedUntil: null }],
      ["get", "/messages", undefined],
      ["post", "/messages", body],
      ["get", `/messages/${messageId}`, undefined],
      ["patch", `/messages/${messageId}`, { text: "x" }],
      ["delete", `/messages/${messageId}`, undefined],
      ["get", `/messages/${messageId}/history`, undefined],
      ["get", `/messages/${messageId}/receipts`, undefined],
      ["put", `/messages/${messageId}/reactions/👍`, undefined],
      ["post", "/read", { seq: 1 }],
      ["post", "/delivered", { seq: 1 }],
    ] as const) {
      const there = await zoe[method](url + path, sent);
      expect(there.status, `${method} ${path}`).toBe(404);
      expect(comparable(there)).toEqual(comparable(await zoe[method](nowhere + path, sent)));
    }
  });
});

describe("members", () => {
  test("owners and admins change the conversation; members and guests do not", async () => {
    expect(await status(ada.patch(url, { name: "One", description: "Two" }))).toBe(200);
    expect(await status(bo.patch(url, { settings: { historyVisibility: "all" } }))).toBe(200);
    for (const person of [cy, gus]) {
      expect(await status(person.patch(url, { name: "Mine" }))).toBe(403);
      expect(await status(person.post(`${url}/members`, { userId: zoe.userId }))).toBe(403);
      expect(await status(person.delete(`${url}/members/${bo.userId}`))).toBe(403);
      expect(await status(person.patch(`${url}/members/${person.userId}`, { role: "owner" }))).toBe(403);
    }
    expect((await latest(url)).body).toMatchObject({ name: "One", description: "Two" });
  });

  test("an admin makes admins but no owners, and touches no owner", async () => {
    expect(await status(bo.patch(`${url}/members/${cy.userId}`, { role: "admin" }))).toBe(200);
    expect(await status(bo.patch(`${url}/members/${cy.userId}`, { role: "owner" }))).toBe(403);
    expect(await status(bo.patch(`${url}/members/${bo.userId}`, { role: "owner" }))).toBe(403);
    expect(await status(bo.patch(`${url}/members/${ada.userId}`, { role: "member" }))).toBe(403);
    expect(await status(bo.delete(`${url}/members/${ada.userId}`))).toBe(403);
    expect(await status(bo.post(`${url}/members`, { userId: zoe.userId, role: "owner" }))).toBe(403);
    expect(await status(bo.post(`${url}/members`, { userId: zoe.userId, role: "admin" }))).toBe(201);
    expect(await status(ada.patch(`${url}/members/${randomUUID()}`, { role: "member" }))).toBe(404);
    expect(await status(ada.patch(`${url}/members/${cy.userId}`, { role: "emperor" }))).toBe(400);
  });

  test("the last owner leaves a successor first", async () => {
    expect(await status(ada.delete(`${url}/members/${ada.userId}`))).toBe(409);
    expect(await status(ada.patch(`${url}/members/${ada.userId}`, { role: "member" }))).toBe(409);
    expect(await status(ada.patch(`${url}/members/${cy.userId}`, { role: "owner" }))).toBe(200);
    expect(await status(ada.delete(`${url}/members/${ada.userId}`))).toBe(200);
    expect(await status(ada.get(url))).toBe(404);
  });

  test("whoever is removed reads nothing more from the answer on, without naming a position", async () => {
    for (let n = 0; n < 8; n++) {
      const place = await group(ada, [zoe]);
      const { position } = await send(ada, place, "secret");
      expect(await status(zoe.get(`/conversations/${place}`, seeing({ position })))).toBe(200);
      await ada.delete(`/conversations/${place}/members/${zoe.userId}`);
      for (const path of ["", "/messages", "/members"])
        expect(await status(zoe.get(`/conversations/${place}${path}`))).toBe(404);
    }
  });

  test("whoever joins starts at the end, whoever joins again sees both times, and `all` shows everything", async () => {
    const [first] = [await send(ada, here, "first")];
    const joined = await ada.post(`${url}/members`, { userId: zoe.userId });
    expect((await zoe.get(url, seeing(joined))).body).toMatchObject({ firstSeq: 2, read: 1, delivered: 1, unread: 0 });
    const second = await send(ada, here, "second");
    await ada.delete(`${url}/members/${zoe.userId}`);
    const third = await send(ada, here, "third");
    await ada.post(`${url}/members`, { userId: zoe.userId });
    const fourth = await send(ada, here, "fourth");
    const texts = async (position: number) =>
      items(await zoe.get(`${url}/messages`, seeing({ position }))).map(({ text }) => text);
    expect(await texts(fourth.position)).toEqual(["second", "fourth"]);
    for (const { messageId } of [first, third]) expect(await status(zoe.get(`${url}/messages/${messageId}`))).toBe(404);
    expect((await zoe.get(url)).body).toMatchObject({ firstSeq: 4 });
    const opened = await ada.patch(url, { settings: { historyVisibility: "all" } });
    expect(await texts(Number(opened.body.position))).toEqual(["first", "second", "third", "fourth"]);
    const closed = await ada.patch(url, { settings: { historyVisibility: "joined" } });
    expect(await texts(Number(closed.body.position))).toEqual(["second", "fourth"]);
    // An edit shows no message that was not visible.
    await ada.patch(`${url}/messages/${third.messageId}`, { text: "third, edited" });
    expect(await status(zoe.get(`${url}/messages/${third.messageId}`))).toBe(404);
    expect(await status(zoe.put(`${url}/messages/${third.messageId}/reactions/👍`))).toBe(404);
    const reply = { messageId: randomUUID(), kind: "text", text: "re", replyTo: third.messageId };
    expect(await status(zoe.post(`${url}/messages`, reply))).toBe(404);
    expect(second.seq).toBe(2);
  });

  test("a group is full at its limit: 409; too many in one body: 400", async () => {
    const [x, y] = await Promise.all([api.person("x"), api.person("y")]);
    expect(await status(ada.post(`${url}/members`, { userId: zoe.userId }))).toBe(201);
    expect(await status(ada.post(`${url}/members`, { userId: x.userId }))).toBe(201);
    expect(await ada.post(`${url}/members`, { userId: y.userId })).toMatchObject({ status: 409 });
    const members = Array.from({ length: 1_025 }, () => ({ userId: randomUUID() }));
    expect(await status(ada.post("/conversations", { kind: "group", name: "Big", members }))).toBe(400);
  });

  test("a guest sees of members id, name and role only", async () => {
    const seen = items(await latest(`${url}/members`, gus));
    expect(seen).toHaveLength(4);
    for (const member of seen)
      expect(member).toMatchObject({ joinedAt: null, leftAt: null, displayName: expect.any(String) });
  });
});

describe("messages", () => {
  test("are numbered densely from 1 and read by pages before, after and around", async () => {
    for (let n = 1; n <= 25; n++) await send(ada, here, `text ${n}`);
    const page = async (query: string) => {
      const { body } = await latest(`${url}/messages?${query}`);
      const seqs = items({ status: 200, headers: new Headers(), body }).map(({ seq }) => Number(seq));
      return { from: seqs[0], to: seqs.at(-1), count: seqs.length, more: body.more };
    };
    const more = (before: boolean, after: boolean) => ({ before, after });
    expect(await page("limit=10")).toEqual({ from: 16, to: 25, count: 10, more: more(true, false) });
    expect(await page("before=16&limit=10")).toEqual({ from: 6, to: 15, count: 10, more: more(true, true) });
    expect(await page("before=6&limit=10")).toEqual({ from: 1, to: 5, count: 5, more: more(false, true) });
    expect(await page("after=20")).toEqual({ from: 21, to: 25, count: 5, more: more(true, false) });
    expect(await page("after=0&limit=25")).toEqual({ from: 1, to: 25, count: 25, more: more(false, false) });
    const around = await page("around=12&limit=5");
    expect(around).toMatchObject({ count: 5, more: more(true, true) });
    expect(Number(around.from)).toBeLessThanOrEqual(12);
    expect(Number(around.to)).toBeGreaterThanOrEqual(12);
    expect(await page("after=25")).toMatchObject({ count: 0, more: more(true, false) });
    for (const query of ["before=1&after=2", "limit=201", "limit=0", "before=-1", "before=x", "threadRoot=x"])
      expect(await status(ada.get(`${url}/messages?${query}`)), query).toBe(400);
  });

  test("are edited by their author alone, under If-Match only if no edit came between", async () => {
    const { messageId, revision } = await send(cy, here, "one");
    const path = `${url}/messages/${messageId}`;
    for (const person of [ada, bo, gus]) expect(await status(person.patch(path, { text: "mine" }))).toBe(403);
    await bo.put(`${path}/reactions/👍`);
    const match = (text: string, seen: unknown) => ({ body: { text }, headers: { "if-match": String(seen) } });
    const edited = await cy.patch(path, match("two", revision));
    expect(edited.status).toBe(200);
    expect(await cy.patch(path, match("three", revision))).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect(await status(cy.patch(path, match("three", edited.body.revision)))).toBe(200);
    const same = await cy.patch(path, { text: "three" });
    expect(same.status).toBe(200);
    expect(await cy.patch(path, { text: "three" })).toMatchObject({ body: same.body });
    expect(await see(messageId)).toMatchObject({ text: "three", editedAt: expect.any(String), senderId: cy.userId });
    expect(await status(cy.patch(path, { text: "  " }))).toBe(400);
    const history = items(await latest(`${path}/history`));
    expect(history.map(({ text }) => text)).toEqual(["one", "two", "three"]);
    expect(await status(bo.get(`${path}/history`))).toBe(200);
    expect(await status(cy.get(`${path}/history`))).toBe(200);
    expect(await status(gus.get(`${path}/history`))).toBe(403);
  });

  test("once deleted leave a tombstone without content, and cannot be edited", async () => {
    const { messageId, seq } = await send(cy, here, "oops", { mentions: [ada.userId] });
    const path = `${url}/messages/${messageId}`;
    await bo.put(`${path}/reactions/👍`);
    expect(await status(gus.delete(path))).toBe(403);
    const deleted = await bo.delete(path);
    expect(deleted.status).toBe(200);
    expect((await bo.delete(path)).body).toEqual(deleted.body);
    expect(await see(messageId)).toMatchObject({
      seq,
      text: null,
      mentions: [],
      reactions: [],
      attachments: [],
      editedAt: null,
      deleted: true,
      erased: false,
    });
    expect(await cy.patch(path, { text: "back" })).toMatchObject({ status: 410, body: { code: "gone" } });
    const ifMatch = { body: { text: "back" }, headers: { "if-match": "1" } };
    expect(await status(cy.patch(path, ifMatch))).toBe(410);
    expect(await status(ada.get(`${path}/history`))).toBe(410);
    expect(await status(ada.delete(`${url}/messages/${randomUUID()}`))).toBe(404);
  });

  test("mention members alone, at most a hundred", async () => {
    const message = (mentions: string[]) => ({ messageId: randomUUID(), kind: "text", text: "hey", mentions });
    expect(await status(ada.post(`${url}/messages`, message([zoe.userId])))).toBe(400);
    expect(await status(ada.post(`${url}/messages`, message(Array(101).fill(bo.userId))))).toBe(400);
    expect(await status(ada.post(`${url}/messages`, message([bo.userId, bo.userId])))).toBe(201);
  });

  test("thread: replies count while nobody deleted them; no reply is a root", async () => {
    const root = await send(ada, here, "root");
    const inThread = { threadRoot: root.messageId };
    const [one, two] = [await send(bo, here, "one", inThread), await send(cy, here, "two", inThread)];
    expect(await see(root.messageId)).toMatchObject({ threadCount: 2 });
    const thread = items(await latest(`${url}/messages?threadRoot=${root.messageId}`));
    expect(thread.map(({ messageId }) => messageId)).toEqual([one.messageId, two.messageId]);
    await bo.delete(`${url}/messages/${one.messageId}`);
    expect(await see(root.messageId)).toMatchObject({ threadCount: 1 });
    const message = (threadRoot: string) => ({ messageId: randomUUID(), kind: "text", text: "x", threadRoot });
    expect(await status(ada.post(`${url}/messages`, message(two.messageId)))).toBe(404);
    expect(await status(ada.post(`${url}/messages`, message(randomUUID())))).toBe(404);
    const elsewhere = await send(ada, await group(ada), "elsewhere");
    expect(await status(ada.post(`${url}/messages`, message(elsewhere.messageId)))).toBe(404);
  });

  test("reactions are one emoji each, count once a person, and are of at most 20 kinds", async () => {
    const { messageId } = await send(ada, here, "react");
    const path = (emoji: string) => `${url}/messages/${messageId}/reactions/${encodeURIComponent(emoji)}`;
    const first = await bo.put(path("👍"));
    expect(first.status).toBe(200);
    expect((await bo.put(path("👍"))).body).toEqual(first.body);
    await cy.put(path("👍"));
    await cy.put(path("👩‍👩‍👧‍👦"));
    await cy.put(path(":tea:"));
    const { reactions } = await see(messageId, bo);
    expect(reactions).toContainEqual({
      emoji: "👍",
      count: 2,
      userIds: expect.arrayContaining([bo.userId, cy.userId]),
      mine: true,
    });
    expect(reactions).toContainEqual({ emoji: ":tea:", count: 1, userIds: [cy.userId], mine: false });
    for (const emoji of ["ab", " ", "👍👍", ":a b:", `:${"x".repeat(40)}:`, "\u0007"])
      expect(await status(bo.put(path(emoji))), JSON.stringify(emoji)).toBe(400);
    for (let n = 0; n < 17; n++) expect(await status(bo.put(path(`:kind-${n}:`)))).toBe(200);
    expect(await bo.put(path(":one-more:"))).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect(await status(gus.put(path("👍")))).toBe(200);
    expect(await status(bo.delete(path("👍")))).toBe(200);
    expect(await status(bo.delete(path("👍")))).toBe(200);
  });
});

describe("marks and unread numbers", () => {
  test("rise alone; reading is delivered; what is not there cannot be read", async () => {
    for (const text of ["one", "two", "three"]) await send(ada, here, text);
    expect((await bo.post(`${url}/delivered`, { seq: 2 })).body).toMatchObject({ delivered: 2, read: 0 });
    expect((await bo.post(`${url}/read`, { seq: 3 })).body).toMatchObject({ delivered: 3, read: 3 });
    expect((await bo.post(`${url}/read`, { seq: 1 })).body).toMatchObject({ delivered: 3, read: 3 });
    expect(await status(bo.post(`${url}/read`, { seq: 4 }))).toBe(400);
    expect(await status(bo.post(`${url}/read`, { seq: -1 }))).toBe(400);
  });

  test("a mark that stands where one's own message put it answers with that message's place", async () => {
    await send(ada, here, "one");
    await bo.post(`${url}/read`, { seq: 1 });
    const { position, revision, seq } = await send(bo, here, "two");
    await latest(url);
    for (const mark of ["read", "delivered"])
      expect((await bo.post(`${url}/${mark}`, { seq })).body).toEqual({ read: 2, delivered: 2, position, revision });
    await send(ada, here, "three");
    const delivered = await bo.post(`${url}/delivered`, { seq: 3 });
    expect((await bo.post(`${url}/read`, { seq: 2 })).body).toEqual(delivered.body);
  });

  test("receipts say whom a message reached, to those entitled to it, without its sender", async () => {
    const { messageId, seq } = await send(ada, here, "for all");
    const marked = await bo.post(`${url}/read`, { seq });
    const { body } = await ada.get(`${url}/messages/${messageId}/receipts`, seeing(marked));
    expect(body).toMatchObject({ delivered: 1, read: 1, total: 3 });
    expect(JSON.stringify(body.items)).not.toContain(ada.userId);
    expect(body.items).toContainEqual({
      userId: bo.userId,
      deliveredAt: expect.any(String),
      readAt: expect.any(String),
    });
  });

  test("count others' visible messages that nobody deleted, and those that mention me now", async () => {
    const numbers = async () => {
      const { unread, mentions, read } = (await latest(url, bo)).body;
      return { unread, mentions, read };
    };
    await send(ada, here, "one");
    const two = await send(ada, here, "two", { mentions: [bo.userId] });
    const three = await send(cy, here, "three");
    expect(await numbers()).toEqual({ unread: 3, mentions: 1, read: 0 });
    await cy.delete(`${url}/messages/${three.messageId}`);
    expect(await numbers()).toEqual({ unread: 2, mentions: 1, read: 0 });
    await ada.patch(`${url}/messages/${two.messageId}`, { text: "two", mentions: [] });
    expect(await numbers()).toEqual({ unread: 2, mentions: 0, read: 0 });
    await bo.put(`${url}/preferences`, { notify: "none", mutedUntil: null });
    expect(await numbers()).toEqual({ unread: 2, mentions: 0, read: 0 });
    const own = await send(bo, here, "mine");
    expect(await numbers()).toEqual({ unread: 0, mentions: 0, read: own.seq });
  });

  test("preferences are one's own", async () => {
    const mutedUntil = "2030-01-01T00:00:00.000Z";
    const set = await bo.put(`${url}/preferences`, { notify: "mentions", mutedUntil: "2030-01-01T01:00:00+01:00" });
    expect((await bo.get(`${url}/preferences`, seeing(set))).body).toEqual({ notify: "mentions", mutedUntil });
    expect((await cy.get(`${url}/preferences`)).body).toEqual({ notify: "all", mutedUntil: null });
    expect(await status(bo.put(`${url}/preferences`, { notify: "loud", mutedUntil: null }))).toBe(400);
  });
});
