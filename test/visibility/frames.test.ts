import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Change } from "../../read-api/shapes.ts";
import { ClientFrame } from "../../realtime/frames.ts";
import { ServerFrame, serverFrames } from "../../realtime/serverFrames.ts";
import type { Person } from "../support/apiClient.ts";
import { type ApiSocket, liveSocket } from "../support/apiSocket.ts";
import { aScene, CANARY, EARLY, insiders, outsiders, type Scene, type Signed } from "./scene.ts";

type Watcher = Signed | "owner" | "tablet";
const watchers: readonly Watcher[] = [...outsiders, ...insiders, "owner", "tablet"];

let scene: Scene;
let sockets: ReadonlyMap<Watcher, ApiSocket>;
beforeAll(async () => {
  scene = await aScene();
  const open = async (watcher: Watcher) => [watcher, await liveSocket(scene.url, await tokenOf(watcher))] as const;
  sockets = new Map(await Promise.all(watchers.map(open)));
  await live(scene.owner);
}, 60_000);
afterAll(async () => {
  for (const socket of sockets?.values() ?? []) await socket.close();
  await scene?.stop();
});

const tokenOf = async (watcher: Watcher) => {
  if (watcher === "tablet") return (await scene.again(scene.owner)).token;
  return watcher === "owner" ? scene.owner.token : scene.people[watcher].token;
};
const socketOf = (watcher: Watcher): ApiSocket => {
  const socket = sockets.get(watcher);
  if (!socket) throw new Error(`${watcher} has no socket`);
  return socket;
};

/** Everything that can happen in a conversation, while all watch. */
async function live(owner: Person): Promise<void> {
  const { conversationId, messageId, userId } = scene.target("owner");
  const { fellow, guest, stranger, latecomer } = scene.people;
  const at = `/conversations/${conversationId}`;
  const said = { messageId: randomUUID(), text: `${CANARY} live`, mentions: [latecomer.userId], replyTo: messageId };
  const doomed = { messageId: randomUUID(), text: `${CANARY} doomed` };
  const everybody = [owner.userId, ...Object.values(scene.people).map((person) => person.userId)];
  for (const watcher of watchers) socketOf(watcher).send({ type: "watch", userIds: everybody });
  const heard = () =>
    owner.post(`${at}/messages`, { messageId: randomUUID(), text: "heard by the stranger while there" });
  const steps = [
    () => owner.post(`${at}/messages`, said),
    () => owner.post(`${at}/messages`, doomed),
    () => owner.patch(`${at}/messages/${messageId}`, { text: `${EARLY}, corrected` }),
    () => fellow.put(`${at}/messages/${messageId}/reactions/🎈`),
    () => fellow.put(`${at}/messages/${said.messageId}/reactions/🎈`),
    () => fellow.post(`${at}/messages`, { messageId: randomUUID(), text: `${CANARY} thread`, threadRoot: messageId }),
    () => owner.delete(`${at}/messages/${doomed.messageId}`),
    () => guest.post(`${at}/read`, { seq: 3 }),
    () => fellow.post(`${at}/delivered`, { seq: 4 }),
    () => owner.patch(at, { name: `${CANARY} renamed`, description: `${CANARY} described` }),
    () => owner.patch(`${at}/members/${userId}`, { role: "admin" }),
    () => owner.put(`${at}/preferences`, { notify: "mentions", mutedUntil: null }),
    () => owner.patch("/me", { displayName: `${CANARY}-owner II` }),
    () => owner.post(`${at}/members`, { userId: stranger.userId }),
    heard,
    () => owner.delete(`${at}/members/${stranger.userId}`),
    () => owner.post(`${at}/messages`, { messageId: randomUUID(), text: `${CANARY} after the stranger left` }),
  ];
  for (const [index, step] of steps.entries()) {
    const { status, body } = await step();
    if (status >= 300) throw new Error(`step ${index}: ${status} ${JSON.stringify(body)}`);
    if (step === heard)
      await socketOf("stranger").change("message", ({ message }) => JSON.stringify(message).includes("while there"));
  }
  await socketOf("stranger").change("left");
  socketOf("fellow").send({ type: "typing", conversationId });
  socketOf("stranger").send({ type: "typing", conversationId });
  socketOf("otherTenant").send({ type: "typing", conversationId });
  socketOf("owner").send({ type: "presence", status: "away" });
  socketOf("tablet").send({ type: "presence", status: "away" });
  socketOf("owner").send({ type: "renew", token: owner.token });
  await socketOf("owner").command("SendMessage", { conversationId, messageId: randomUUID(), text: " " });
  await socketOf("owner").command("MarkRead", { conversationId, seq: 1 });
  await Promise.all(watchers.map(fence));
}

/** What one does oneself last comes last: then all before it has come. */
async function fence(watcher: Watcher): Promise<void> {
  const socket = socketOf(watcher);
  const displayName = `fence of ${watcher}`;
  if (watcher !== "owner" && watcher !== "tablet") {
    await socket.command("UpdateProfile", { displayName });
    await socket.change("me", ({ me }) => JSON.stringify(me).includes(displayName));
  } else await socket.change("message", ({ message }) => JSON.stringify(message).includes("after the stranger left"));
  socket.send({ type: "ping" });
  await socket.frame("pong");
}

const told = (watcher: Watcher) => JSON.stringify(socketOf(watcher).frames);

test("every kind of frame and of change came to somebody", async () => {
  await socketOf("owner").frame("cursor");
  const frames = watchers.flatMap((watcher) => socketOf(watcher).frames);
  const types = new Set(frames.map(({ type }) => type));
  // A token is about to end, or nothing was to be forgotten, in other tests.
  const elsewhere = ["expiring"];
  expect(Object.keys(serverFrames).filter((type) => !types.has(type) && !elsewhere.includes(type))).toEqual([]);
  const ops = new Set(watchers.flatMap((watcher) => socketOf(watcher).changes()).map(({ op }) => op));
  expect(Change.options.map((option) => option.shape.op.value).filter((op) => !ops.has(op))).toEqual([]);
});

test("every kind of frame that a client may send was sent here, or opens or asks for something that is nobody else's", () => {
  const sent = ["hello", "typing", "presence", "watch", "renew", "ping", "command"];
  expect(ClientFrame.options.map((option) => option.shape.type.value).sort()).toEqual(sent.sort());
});

test("no frame has a field that the protocol does not name", () => {
  for (const watcher of watchers)
    for (const frame of socketOf(watcher).frames) {
      const parsed = ServerFrame.safeParse(frame);
      expect({ watcher, type: frame.type, faults: parsed.error?.issues ?? [] }).toMatchObject({ faults: [] });
    }
});

test("a former member and another tenant's administrator hear nothing of the conversation", () => {
  const { conversationId } = scene.target("owner");
  for (const watcher of ["former", "otherTenant"] as const) {
    expect(told(watcher)).not.toContain(CANARY);
    expect(told(watcher)).not.toContain(conversationId);
  }
});

test("somebody who came and went hears what was said meanwhile, and then nothing", () => {
  const { conversationId } = scene.target("owner");
  const changes = socketOf("stranger").changes();
  expect(told("stranger")).toContain("heard by the stranger while there");
  expect(told("stranger")).not.toContain(EARLY);
  expect(told("stranger")).not.toContain("after the stranger left");
  const left = changes.findIndex(({ op }) => op === "left");
  expect(changes[left]).toEqual({ op: "left", conversationId });
  expect(JSON.stringify(changes.slice(left + 1))).not.toContain(conversationId);
});

test("of messages from before one came one hears nothing, edited or reacted to as they may be", () => {
  const { messageId } = scene.target("owner");
  expect(told("latecomer")).toContain(`${CANARY} live`);
  expect(told("latecomer")).not.toContain(EARLY);
  const changed = socketOf("latecomer")
    .changes()
    .filter(({ op }) => op === "message");
  expect(changed.filter((change) => change.messageId === messageId)).toEqual([]);
});

test("members hear all of it, on each device", () => {
  const { messageId } = scene.target("owner");
  for (const watcher of ["fellow", "guest", "owner", "tablet"] as const) {
    const changes = socketOf(watcher).changes();
    expect(changes.some((change) => change.op === "message" && change.messageId === messageId)).toBe(true);
    expect(told(watcher)).toContain("corrected");
  }
});

test("a guest learns of members their id, name and role, and not since when they are there", () => {
  const told = socketOf("guest")
    .changes()
    .flatMap((change) => (change.op === "member" ? [change.member] : []));
  expect(told.length).toBeGreaterThan(5);
  for (const member of told) expect(member).toMatchObject({ joinedAt: null });
});

test("the change that tells of a deletion holds nothing of what was deleted", () => {
  for (const watcher of watchers) {
    const deleted = socketOf(watcher)
      .changes()
      .filter(({ message }) => JSON.stringify(message ?? {}).includes('"deleted":true'));
    expect(JSON.stringify(deleted)).not.toContain("doomed");
  }
});

test("what is one's own alone goes to one's own devices alone", () => {
  const own = { me: "owner II", preferences: '"notify":"mentions"' };
  for (const watcher of watchers.filter((one) => one !== "owner" && one !== "tablet"))
    for (const [op, text] of Object.entries(own))
      expect(
        JSON.stringify(
          socketOf(watcher)
            .changes()
            .filter((change) => change.op === op),
        ),
      ).not.toContain(text);
  for (const watcher of ["owner", "tablet"] as const)
    for (const [op, text] of Object.entries(own))
      expect(
        JSON.stringify(
          socketOf(watcher)
            .changes()
            .filter((change) => change.op === op),
        ),
      ).toContain(text);
});

test("who types is heard by the other members, and nobody types where one is no member", () => {
  const typing = (watcher: Watcher) => socketOf(watcher).frames.filter(({ type }) => type === "typing");
  const { fellow } = scene.people;
  for (const watcher of ["owner", "tablet", "guest", "latecomer"] as const)
    expect(typing(watcher).map(({ userId }) => userId)).toEqual([fellow.userId]);
  for (const watcher of [...outsiders, "fellow"] as const) expect(typing(watcher)).toEqual([]);
});

test("presence is told of people with whom one shares a conversation, and of nobody else, ever", () => {
  const { owner, people } = scene;
  const present = (watcher: Watcher) =>
    new Set(socketOf(watcher).frames.flatMap(({ type, userId }) => (type === "presence" ? [String(userId)] : [])));
  for (const watcher of ["former", "otherTenant"] as const) {
    const others = [...present(watcher)].filter((userId) => userId !== people[watcher].userId);
    expect({ watcher, others }).toEqual({ watcher, others: [] });
  }
  for (const watcher of ["fellow", "guest", "latecomer"] as const) {
    expect(present(watcher)).toContain(owner.userId);
    expect(
      [...present(watcher)].filter((id) => id === people.former.userId || id === people.otherTenant.userId),
    ).toEqual([]);
  }
});
