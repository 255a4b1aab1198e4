import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { apiOf, type Body, group, items, type Person, send } from "../support/apiClient.ts";
import { type ApiSocket, liveSocket, openSocket } from "../support/apiSocket.ts";
import { startInProcess } from "../support/inProcess.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let api: ReturnType<typeof apiOf>;
let ada: Person;
let bo: Person;
let zoe: Person;
let tea: string;
beforeAll(async () => {
  server = await startInProcess();
  api = apiOf(server.url);
  [ada, bo, zoe] = await Promise.all([api.person("ada"), api.person("bo"), api.person("zoe")]);
  tea = await group(ada, [bo]);
}, 60_000);
afterAll(() => server?.stop());

const opened: ApiSocket[] = [];
afterEach(async () => {
  for (const socket of opened.splice(0)) socket.ws.terminate();
});
const kept = (socket: ApiSocket) => {
  opened.push(socket);
  return socket;
};
const live = async ({ token }: Person, cursor?: string) => kept(await liveSocket(server.url, token, cursor));
const open = async (options?: WebSocket.ClientOptions) => kept(await openSocket(server.url, options));
const text = (more: Body = {}) => ({
  conversationId: tea,
  messageId: randomUUID(),
  kind: "text",
  text: "hello",
  ...more,
});

/** The HTTP status that refuses an upgrade. */
async function refusal(protocol: string[] | string | undefined, headers: Record<string, string> = {}) {
  const ws = new WebSocket(`${server.url.replace("http", "ws")}/api/v1/realtime`, protocol ?? [], { headers });
  ws.on("error", () => undefined);
  const response = new Promise<number | undefined>((resolve) => {
    ws.on("unexpected-response", (_request, { statusCode }) => resolve(statusCode));
    ws.on("open", () => resolve(101));
  });
  const status = await response;
  ws.terminate();
  return status;
}

describe("opening", () => {
  test("takes the subprotocol and no foreign origin", async () => {
    expect(await refusal(undefined)).toBe(400);
    expect(await refusal("other.v1")).toBe(400);
    expect(await refusal(["other.v1", "scripta.v1"])).toBe(101);
    expect(await refusal("scripta.v1", { origin: "https://evil.example" })).toBe(403);
    expect(await refusal("scripta.v1", { origin: "null" })).toBe(403);
    expect(await refusal("scripta.v1", { origin: server.url })).toBe(101);
    expect((await api.ask("GET", "/realtime")).status).toBe(400);
  });

  test("does not compress", async () => {
    const socket = await open({ perMessageDeflate: true });
    expect(socket.ws.extensions).toBe("");
  });

  test("says who it is, gives a snapshot after a reset, and is live", async () => {
    const socket = await live(ada);
    expect(socket.frames[0]).toEqual({ type: "ready", userId: ada.userId, deviceId: ada.deviceId, resumed: false });
    expect(socket.frames[1]).toEqual({ type: "reset" });
    expect(socket.changes()[0]).toMatchObject({ op: "me", me: { userId: ada.userId } });
    expect(socket.changes()).toContainEqual(expect.objectContaining({ op: "conversation", conversationId: tea }));
    expect(socket.frames.at(-1)).toEqual({ type: "live", cursor: expect.any(String) });
  });

  test("resumes from a cursor with what was missed, and with nothing else", async () => {
    const first = await live(bo);
    const cursor = first.cursor();
    await first.close();
    const { messageId } = await send(ada, tea, "while away");
    const again = await live(bo, cursor);
    expect(again.frames[0]).toMatchObject({ type: "ready", resumed: true });
    expect(again.frames.map(({ type }) => type)).not.toContain("reset");
    expect(await again.change("message")).toMatchObject({ messageId, message: { text: "while away" } });
    expect(again.changes().filter(({ op }) => op === "conversation" || op === "me")).toEqual([]);
  });

  test("takes what comes right behind hello, in order, once it said who it is", async () => {
    const [socket, watching] = [await open(), await live(bo)];
    socket.send({ type: "hello", token: ada.token });
    socket.send({ type: "presence", status: "away" });
    socket.send({ type: "ping" });
    socket.send({ type: "command", id: "none", name: "SendMessage", payload: [] });
    const answer = await socket.command("SendMessage", text());
    expect(answer).toMatchObject({ type: "ack", seq: expect.any(Number) });
    expect(socket.frames[0]).toMatchObject({ type: "ready" });
    expect(await socket.frame("pong")).toEqual({ type: "pong" });
    expect(await socket.frame("reject")).toMatchObject({ id: "none", code: "validation-failed" });
    await socket.frame("live");
    watching.send({ type: "watch", userIds: [ada.userId] });
    expect(await watching.frame("presence")).toMatchObject({ userId: ada.userId, status: "away" });
  });

  test("an altered cursor, or one of another person or device, gives a reset and nothing of it", async () => {
    const own = (await live(ada)).cursor() ?? "";
    const other = await api.login(ada.username, "tablet");
    for (const [who, cursor] of [
      [ada, "garbage"],
      [ada, `${own.slice(0, -2)}xx`],
      [bo, own],
      [other, own],
    ] as const) {
      const socket = await live(who, cursor);
      expect(socket.frames[0]).toMatchObject({ resumed: false });
      expect(socket.frames[1]).toEqual({ type: "reset" });
      await socket.close();
      const answer = await who.get(`/sync?cursor=${encodeURIComponent(cursor)}`);
      expect(answer).toMatchObject({ status: 200, body: { reset: true } });
    }
  });
});

describe("a command that is none", () => {
  test("is refused by its id, and the socket goes on", async () => {
    const socket = await live(ada);
    const command = (id: string, more: object) =>
      JSON.stringify({ type: "command", id, name: "SendMessage", payload: text(), ...more });
    const deep = `${"[".repeat(40)}${"]".repeat(40)}`;
    const faulty = {
      nul: command("nul", { payload: text({ text: "a\u0000b" }) }),
      surrogate: command("surrogate", {}).replace("hello", "\\ud800"),
      deep: command("deep", {}).replace('"hello"', deep),
      payload: command("payload", { payload: ["no", "object"] }),
      nameless: command("nameless", { name: 7 }),
      more: command("more", { colour: "red" }),
    };
    for (const [id, frame] of Object.entries(faulty)) {
      socket.send(frame);
      expect(await socket.frame("reject", (answer) => answer.id === id)).toMatchObject({ code: "validation-failed" });
    }
    expect(await socket.command("SendMessage", text())).toMatchObject({ type: "ack" });
  });

  test("ends the socket where nobody can be told, or nobody said who it is", async () => {
    for (const hello of [true, false]) {
      const socket = hello ? await live(ada) : await open();
      socket.send(`{"type": "command", "id": ${hello ? `"${"i".repeat(65)}"` : '"i"'}, "name": 7}`);
      expect(await socket.closed).toBe(4000);
    }
  });
});

test("what only oneself may see shares no frame with what all may, in catching up and where one is added too", async () => {
  const first = await live(bo);
  await first.close();
  await send(ada, tea, "meanwhile");
  const personal = new Set(["me", "conversation", "preferences", "unread", "left"]);
  const added = await live(bo);
  const place = await group(ada, [bo]);
  await added.change("receipt", ({ conversationId }) => conversationId === place);
  for (const socket of [await live(bo, first.cursor()), await live(bo), added]) {
    const kinds = socket.frames.flatMap(({ type, changes }) =>
      type === "changes" && Array.isArray(changes) ? [new Set(changes.map(({ op }) => personal.has(op)))] : [],
    );
    expect(kinds.length).toBeGreaterThan(1);
    expect(kinds.filter(({ size }) => size !== 1)).toEqual([]);
  }
});

test("whoever was removed hears of nobody that types, from the answer on", async () => {
  for (let n = 0; n < 10; n++) {
    const place = await group(ada, [bo]);
    const { messageId } = await send(ada, place, "busy");
    const [his, hers] = [await live(bo), await live(ada)];
    for (let kind = 0; kind < 10; kind++)
      void hers.command("AddReaction", { conversationId: place, messageId, emoji: `:${kind}:` });
    await hers.frame("ack");
    await ada.delete(`/conversations/${place}/members/${bo.userId}`);
    hers.send({ type: "typing", conversationId: place });
    hers.send({ type: "ping" });
    await hers.frame("pong");
    his.send({ type: "ping" });
    await his.frame("pong");
    expect(his.frames.filter(({ type }) => type === "typing")).toEqual([]);
    await Promise.all([his.close(), hers.close()]);
  }
});

describe("closing", () => {
  test("4000 for what is not of the protocol", async () => {
    const first = async (frame: string | Buffer | object) => {
      const socket = await open();
      socket.send(frame);
      return socket.closed;
    };
    const hello = { type: "hello", token: ada.token };
    expect(await first("not json")).toBe(4000);
    expect(await first(Buffer.from(JSON.stringify(hello)))).toBe(4000);
    expect(await first({ type: "ping" })).toBe(4000);
    expect(await first({ ...hello, more: 1 })).toBe(4000);
    expect(await first({ type: "no-such" })).toBe(4000);
    expect(await first("[]")).toBe(4000);
    for (const frame of [hello, { type: "hullo" }, "}", "[".repeat(2_000), { type: "watch", userIds: ["x"] }]) {
      const socket = await live(ada);
      socket.send(frame);
      expect(await socket.closed).toBe(4000);
    }
    expect((await ada.get("/me")).status).toBe(200);
  });

  test("4001 for a token that does not hold", async () => {
    const socket = await open();
    socket.send({ type: "hello", token: `${ada.token}x` });
    expect(await socket.closed).toBe(4001);
    expect(socket.frames).toEqual([]);
  });

  test("4001 within a second of signing out, and nothing after it", async () => {
    const device = await api.login(bo.username, "tablet");
    const [one, two] = [await live(device), await live(device)];
    const stays = await live(bo);
    expect((await device.post("/auth/logout")).status).toBe(204);
    const start = performance.now();
    expect(await Promise.all([one.closed, two.closed])).toEqual([4001, 4001]);
    expect(performance.now() - start).toBeLessThan(1_000);
    expect((await device.get("/me")).status).toBe(401);
    expect(stays.ws.readyState).toBe(WebSocket.OPEN);
    const other = await api.login(bo.username, "laptop");
    const third = await live(other);
    expect((await bo.delete(`/me/devices/${other.deviceId}`)).status).toBe(204);
    expect(await third.closed).toBe(4001);
  });

  test("4009 for the oldest of six sockets of a device", async () => {
    const device = await api.login(ada.username, "many");
    const sockets: ApiSocket[] = [];
    for (let n = 0; n < 6; n++) sockets.push(await live(device));
    expect(await sockets[0]?.closed).toBe(4009);
    expect(sockets.slice(1).map(({ ws }) => ws.readyState)).toEqual(Array(5).fill(WebSocket.OPEN));
  });

  test("1009 for a frame beyond 256 KiB, and not for one below", async () => {
    const socket = await live(ada);
    const payload = text({ text: "x".repeat(250_000) });
    expect(await socket.command("SendMessage", payload)).toMatchObject({ type: "reject", code: "too-large" });
    socket.send("x".repeat(256 * 1024 + 1));
    expect(await socket.closed).toBe(1009);
  });
});

test("a server that ends answers what it took, and then sends everybody elsewhere", async () => {
  const ending = await startInProcess();
  const [owner, reader] = await Promise.all([apiOf(ending.url).person("cy"), apiOf(ending.url).person("dee")]);
  const conversationId = await group(owner, [reader]);
  for (const said of ["one", "two"]) await send(owner, conversationId, said);
  const [hers, theirs] = [await liveSocket(ending.url, owner.token), await liveSocket(ending.url, reader.token)];
  await theirs.command("MarkRead", { conversationId, seq: 1 });
  // Marks within a second of others wait for its end.
  theirs.send({ type: "command", id: "waiting", name: "MarkRead", payload: { conversationId, seq: 2 } });
  theirs.send({ type: "ping" });
  await theirs.frame("pong");
  const answers = () => theirs.frames.filter(({ id }) => id === "waiting");
  expect(answers()).toEqual([]);
  const stopped = ending.stop();
  expect(await theirs.closed).toBe(4010);
  expect(answers()).toMatchObject([{ type: "ack", read: 2 }]);
  expect(await hers.closed).toBe(4010);
  await stopped;
});

describe("a reader that does not read", () => {
  test("is closed when too much waits for it, and resumes without a gap", async () => {
    const place = await group(ada, [bo]);
    await expect.poll(async () => (await bo.get(`/conversations/${place}`)).status).toBe(200);
    const reader = await live(bo);
    const cursor = reader.cursor();
    const other = await api.login(bo.username, "tablet");
    const attentive = await live(other);
    reader.ws.pause();
    const sent: string[] = [];
    // Beyond what the kernel holds for both ends there must be 4 MB more.
    const writer = await live(ada);
    for (let round = 0; round < 60; round++)
      await Promise.all(
        Array.from({ length: 20 }, async () => {
          const payload = text({ conversationId: place, text: "x".repeat(15_000) });
          sent.push(payload.messageId);
          expect(await writer.command("SendMessage", payload)).toMatchObject({ type: "ack" });
        }),
      );
    await attentive.change("message", ({ messageId }) => messageId === sent.at(-1));
    // However long it takes to read what waits for it, it is told why it was closed.
    await pause(2_500);
    reader.ws.resume();
    expect(await reader.closed).toBe(4008);
    const again = await live(bo, cursor);
    const came = again.changes().flatMap((change) => (change.op === "message" ? [change.messageId] : []));
    // So much changed that the conversation comes anew: the last ones now, the rest as history.
    const ops = again.changes().map(({ op, conversationId }) => (conversationId === place ? `${op} here` : op));
    expect(ops.slice(0, 3)).toEqual(["left here", "conversation here", "preferences here"]);
    expect(new Set(came.slice(-20)).size).toBe(20);
    const seen: unknown[] = [];
    for (let after = 0; ; ) {
      const page = items(await bo.get(`/conversations/${place}/messages?limit=200&after=${after}`));
      if (page.length === 0) break;
      seen.push(...page.map(({ seq }) => seq));
      after = Number(page.at(-1)?.seq);
    }
    expect(seen).toEqual(sent.map((_, index) => index + 1));
  }, 60_000);
});

describe("commands", () => {
  test("answer as HTTP does, and the socket's own device gets the change", async () => {
    const socket = await live(ada);
    const payload = text();
    const ack = await socket.command("SendMessage", payload, "any text");
    expect(ack).toEqual({
      type: "ack",
      id: "any text",
      messageId: payload.messageId,
      seq: expect.any(Number),
      position: expect.any(Number),
      revision: expect.any(Number),
      sentAt: expect.any(String),
    });
    const { conversationId: _, ...body } = payload;
    const { type: __, id: ___, ...rest } = ack;
    expect(await ada.post(`/conversations/${tea}/messages`, { body })).toMatchObject({ status: 201, body: rest });
    expect(await socket.change("message", ({ messageId }) => messageId === payload.messageId)).toMatchObject({
      revision: ack.revision,
      message: { seq: ack.seq, text: "hello", senderId: ada.userId, reactions: [] },
    });
  });

  test("are refused with the contract's codes", async () => {
    const socket = await live(zoe);
    const refused = async (name: string, payload: Body, code: string) =>
      expect(await socket.command(name, payload)).toMatchObject({ type: "reject", code, detail: expect.any(String) });
    await refused("SendMessage", text(), "not-found");
    await refused("SendMessage", text({ text: 7 }), "validation-failed");
    await refused("SendMessage", { ...text(), colour: "red" }, "validation-failed");
    await refused("DropDatabase", {}, "validation-failed");
    await refused("Login", { username: "x" }, "validation-failed");
    await refused("toString", {}, "validation-failed");
    await refused("MarkRead", { conversationId: tea, seq: 1 }, "not-found");
    await refused("RemoveMember", { conversationId: tea, userId: ada.userId }, "not-found");
    await refused("SetRoles", { userId: zoe.userId, roles: ["admin"] }, "validation-failed");
  });

  test("all of them work over the socket", async () => {
    const socket = await live(ada);
    const cy = await api.person("cy");
    const ack = async (name: string, payload: Body) => {
      const answer = await socket.command(name, payload, randomUUID());
      expect(answer, name).toMatchObject({ type: "ack", position: expect.any(Number), revision: expect.any(Number) });
      return answer;
    };
    const { conversationId } = await ack("CreateConversation", { kind: "group", name: "All", members: [] });
    await ack("UpdateConversation", { conversationId, name: "Everything", settings: { historyVisibility: "all" } });
    await ack("AddMember", { conversationId, userId: cy.userId });
    await ack("ChangeMemberRole", { conversationId, userId: cy.userId, role: "admin" });
    const message = text({ conversationId });
    const { messageId } = message;
    await ack("SendMessage", message);
    await ack("EditMessage", { conversationId, messageId, text: "better" });
    await ack("AddReaction", { conversationId, messageId, emoji: "🌱" });
    await ack("RemoveReaction", { conversationId, messageId, emoji: "🌱" });
    expect(await ack("MarkRead", { conversationId, seq: 1 })).toMatchObject({ read: 1, delivered: 1 });
    await ack("MarkDelivered", { conversationId, seq: 1 });
    await ack("DeleteMessage", { conversationId, messageId });
    await ack("SetConversationPreferences", { conversationId, notify: "none", mutedUntil: null });
    await ack("UpdateProfile", { displayName: "Ada L." });
    await ack("SetPreferences", { quietHours: null, preview: true, enabled: false });
    await ack("RemoveMember", { conversationId, userId: cy.userId });
  });

  test("of one socket run in order within a conversation", async () => {
    const socket = await live(ada);
    const place = await group(ada);
    const wanted = Array.from({ length: 100 }, (_, n) => text({ conversationId: place, text: `text ${n}` }));
    const acks = await Promise.all(wanted.map((payload) => socket.command("SendMessage", payload)));
    expect(acks.map(({ seq }) => seq)).toEqual(wanted.map((_, n) => n + 1));
    await expect
      .poll(
        () => socket.changes().filter(({ op, conversationId }) => op === "message" && conversationId === place).length,
      )
      .toBe(100);
    const order = socket
      .changes()
      .flatMap((c) => (c.op === "message" && c.conversationId === place ? [c.messageId] : []));
    expect(order).toEqual(wanted.map(({ messageId }) => messageId));
  });
});

describe("what goes out", () => {
  test("a cursor follows within about a second of any change, and is complete", async () => {
    const socket = await live(bo);
    await send(ada, tea, "one more");
    const start = performance.now();
    const { cursor } = await socket.frame("cursor");
    expect(performance.now() - start).toBeLessThan(2_000);
    await socket.close();
    const again = await live(bo, String(cursor));
    expect(again.changes().filter(({ op }) => op === "message")).toEqual([]);
  });

  test("shared frames hold nothing personal", async () => {
    const [adas, bos] = [await live(ada), await live(bo)];
    const { messageId } = await send(ada, tea, "personal?");
    await ada.put(`/conversations/${tea}/messages/${messageId}/reactions/👍`);
    for (const socket of [adas, bos]) {
      const change = await socket.change(
        "message",
        (one) => one.messageId === messageId && JSON.stringify(one).includes("👍"),
      );
      expect(JSON.stringify(change)).not.toContain('"mine"');
    }
  });

  test("nothing reaches whoever is no member: not before joining, not after leaving", async () => {
    const cy = await api.person("cy");
    const place = await group(ada, [bo]);
    const socket = await live(cy);
    const before = await send(ada, place, "before");
    await ada.post(`/conversations/${place}/members`, { userId: cy.userId });
    await socket.change("conversation", ({ conversationId }) => conversationId === place);
    const between = await send(ada, place, "between");
    await socket.change("message", ({ messageId }) => messageId === between.messageId);
    await ada.delete(`/conversations/${place}/members/${cy.userId}`);
    await socket.change("left", ({ conversationId }) => conversationId === place);
    const later = await send(ada, place, "later");
    await ada.patch(`/conversations/${place}/messages/${between.messageId}`, { text: "another word" });
    // Cy's own group tells when all that came before it was told.
    const own = await group(cy);
    await socket.change("conversation", ({ conversationId }) => conversationId === own);
    const seen = JSON.stringify(socket.frames);
    expect(seen).not.toContain(before.messageId);
    expect(seen).not.toContain(later.messageId);
    expect(seen).not.toContain("another word");
    for (const path of ["", "/messages", "/members", `/messages/${between.messageId}`, "/preferences"])
      expect((await cy.get(`/conversations/${place}${path}`)).status).toBe(404);
  });

  test("delivered and read marks of others come in small conversations", async () => {
    const socket = await live(ada);
    const place = await group(ada, [bo]);
    const { seq } = await send(ada, place, "read this");
    await bo.post(`/conversations/${place}/read`, { seq });
    expect(
      await socket.change(
        "receipt",
        (one) => one.conversationId === place && one.userId === bo.userId && one.read === seq,
      ),
    ).toMatchObject({ delivered: seq, read: seq });
  });
});

describe("presence and typing", () => {
  test("typing is told to the other members, at most once a second, never to oneself or to strangers", async () => {
    const [adas, bos, zoes] = [await live(ada), await live(bo), await live(zoe)];
    for (let n = 0; n < 20; n++) adas.send({ type: "typing", conversationId: tea });
    zoes.send({ type: "typing", conversationId: tea });
    const typing = await bos.frame("typing");
    expect(typing).toMatchObject({ conversationId: tea, userId: ada.userId });
    expect(new Date(String(typing.expiresAt)).getTime() - Date.now()).toBeLessThanOrEqual(3_000);
    adas.send({ type: "ping" });
    await adas.frame("pong");
    zoes.send({ type: "ping" });
    await zoes.frame("pong");
    bos.send({ type: "ping" });
    await bos.frame("pong");
    expect(bos.frames.filter(({ type }) => type === "typing")).toHaveLength(1);
    for (const socket of [adas, zoes]) expect(socket.frames.some(({ type }) => type === "typing")).toBe(false);
  });

  test("whoever is watched is online, away, offline, and then was last seen; of strangers nothing, ever", async () => {
    const watcher = await live(ada);
    const cy = await api.person("cy");
    await group(ada, [cy]);
    const says = async (status: string) =>
      watcher.frame("presence", (one) => one.userId === cy.userId && one.status === status);
    watcher.send({ type: "watch", userIds: [cy.userId, zoe.userId, randomUUID()] });
    expect(await says("offline")).toMatchObject({ lastSeen: null });
    const [one, strange] = [await live(cy), await live(zoe)];
    expect(await says("online")).toMatchObject({ lastSeen: null });
    one.send({ type: "presence", status: "away" });
    await says("away");
    strange.send({ type: "presence", status: "away" });
    await strange.close();
    const from = watcher.frames.length;
    await one.close();
    await expect
      .poll(() => watcher.frames.slice(from).find(({ type, status }) => type === "presence" && status === "offline"))
      .toMatchObject({ userId: cy.userId, lastSeen: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(JSON.stringify(watcher.frames.filter(({ type }) => type === "presence"))).not.toContain(zoe.userId);
  });

  test("a person with two sockets is online until the last one goes", async () => {
    const cy = await api.person("cy");
    await group(ada, [cy]);
    const watcher = await live(ada);
    const [one, two] = [await live(cy), await live(cy)];
    watcher.send({ type: "watch", userIds: [cy.userId] });
    await watcher.frame("presence", ({ status }) => status === "online");
    one.send({ type: "presence", status: "away" });
    await one.close();
    watcher.send({ type: "ping" });
    await watcher.frame("pong");
    expect(watcher.frames.filter(({ type }) => type === "presence").map(({ status }) => status)).toEqual(["online"]);
    await two.close();
    await watcher.frame("presence", ({ status }) => status === "offline");
  });

  test("ping is answered", async () => {
    const socket = await live(ada);
    socket.send({ type: "ping" });
    expect(await socket.frame("pong")).toEqual({ type: "pong" });
    socket.ws.ping();
    await once(socket.ws, "pong");
  });
});
