import fc from "fast-check";
import { expect, test, vi } from "vitest";
import {
  type ConversationEvent,
  MemberAdded,
  MemberRemoved,
  MemberRoleChanged,
  MessageSent,
} from "../../domain/conversation/events.ts";
import { type StreamId, streamId } from "../../domain/ids.ts";
import { type EventLog, LogUnavailable, type NewEvent } from "../../infra/ports/eventLog.ts";
import { noSnapshots, type Snapshot, type Snapshots } from "../../infra/ports/snapshots.ts";
import { aGroup, aMessage } from "../../test/support/aGroup.ts";
import { aDeployment, alteredLog, answered, asks, send } from "../../test/support/engines.ts";
import { conversation } from "../conversation/aggregate.ts";
import { SendMessage } from "../conversation/sendMessage.ts";
import { load, madeBy, UnknownEventMet } from "./load.ts";
import { writeState } from "./storedState.ts";

function memorySnapshots(): Snapshots & { readonly kept: Map<string, Snapshot> } {
  const kept = new Map<string, Snapshot>();
  return {
    kept,
    load: async (stream) => kept.get(stream),
    save: async (stream, snapshot) => void kept.set(stream, snapshot),
    drop: async (stream) => void kept.delete(stream),
  };
}

const people = Array.from({ length: 4 }, () => crypto.randomUUID());
const anEvent = fc
  .record({ what: fc.constantFrom("join", "leave", "say"), who: fc.constantFrom(...people) })
  .map(({ what, who }): ConversationEvent => {
    if (what === "join") return MemberAdded({ userId: who, role: "member", afterSeq: 3 });
    if (what === "leave") return MemberRemoved({ userId: who, lastSeq: 5 });
    const facts = { target: who, seq: 7, authorId: who, kind: "text" as const, sentAt: "2026-11-21T08:00:00.000Z" };
    return MessageSent(facts, { text: "hello" });
  });

const recordable = ({ type, version, data }: ConversationEvent): NewEvent => ({
  type,
  version,
  target: null,
  data: JSON.stringify(data),
  meta: "{}",
  sealed: null,
});

async function appendAll(log: EventLog, stream: StreamId, from: number, events: readonly ConversationEvent[]) {
  if (events.length === 0) return;
  const command = { commandId: crypto.randomUUID(), actorId: null, payloadHash: new Uint8Array(32) };
  expect(await log.append(stream, from - 1, [{ ...command, events: events.map(recordable) }])).toMatchObject({
    status: "ok",
  });
}

/** A snapshot is kept in the background: a turn or two of the event loop later. */
const keptAt = (snapshots: ReturnType<typeof memorySnapshots>, stream: StreamId, revision: number) =>
  vi.waitFor(() => expect(snapshots.kept.get(stream)?.revision).toBe(revision), { interval: 1 });

test("a snapshot and the tail give the state that the whole stream gives, wherever the snapshot was taken", () =>
  fc.assert(
    fc.asyncProperty(fc.array(anEvent, { minLength: 1, maxLength: 20 }), fc.array(anEvent), async (before, after) => {
      const { log, engine } = aDeployment();
      const stream = streamId("main", "conversation", crypto.randomUUID());
      const snapshots = memorySnapshots();
      const keeping = engine({ snapshots, limits: { snapshotEvery: 1 } });
      await appendAll(log, stream, 0, before);
      await load(stream, conversation, keeping);
      await keptAt(snapshots, stream, before.length - 1);
      await appendAll(log, stream, before.length, after);
      const whole = await load(stream, conversation, engine());
      const shortened = await load(stream, conversation, keeping);
      expect(shortened.state).toEqual(whole.state);
      expect([...shortened.state.members.keys()]).toEqual([...whole.state.members.keys()]);
      expect(shortened.revision).toBe(whole.revision);
    }),
    { numRuns: 40 },
  ));

test("a snapshot is kept now and then, and what follows is read from there on", async () => {
  const { log, engine, account } = aDeployment();
  const ada = account();
  const snapshots = memorySnapshots();
  const from: number[] = [];
  const watched = alteredLog(log, {
    readStream: (stream, revision = 0) => {
      from.push(revision);
      return log.readStream(stream, revision);
    },
  });
  const keeping = engine({ snapshots, limits: { snapshotEvery: 10 } });
  const { conversationId, stream } = await aGroup(keeping, ada);
  for (let n = 0; n < 25; n++) await aMessage(keeping, conversationId, ada);
  const kept = await vi.waitFor(() => {
    const revision = snapshots.kept.get(stream)?.revision ?? -1;
    expect(revision).toBeGreaterThanOrEqual(18);
    return revision;
  });
  await aMessage(engine({ snapshots, log: watched }), conversationId, ada);
  expect(from).toEqual([kept + 1]);
});

test("whoever folds a long tail keeps what came of it, though nothing is appended", async () => {
  const { log, engine } = aDeployment();
  const stream = streamId("main", "conversation", crypto.randomUUID());
  const joins = Array.from({ length: 25 }, () =>
    MemberAdded({ userId: crypto.randomUUID(), role: "member", afterSeq: 0 }),
  );
  await appendAll(log, stream, 0, joins);
  const snapshots = memorySnapshots();
  await load(stream, conversation, engine({ snapshots, limits: { snapshotEvery: 10 } }));
  await keptAt(snapshots, stream, 24);
});

test("a long replay that is cut off has kept what it came to on its way", async () => {
  const { log, engine } = aDeployment();
  const stream = streamId("main", "conversation", crypto.randomUUID());
  await appendAll(log, stream, 0, [MemberRoleChanged({ userId: crypto.randomUUID(), role: "admin" })]);
  const cut = alteredLog(log, {
    async *readStream(of) {
      for await (const event of log.readStream(of))
        for (let revision = 0; revision < 50_010; revision++) yield { ...event, revision };
      throw new LogUnavailable("the link broke");
    },
  });
  const snapshots = memorySnapshots();
  await expect(load(stream, conversation, engine({ snapshots, log: cut }))).rejects.toThrow(LogUnavailable);
  await keptAt(snapshots, stream, 50_000);
});

test("the larger a state, the longer its tail grows before it is written again", async () => {
  const { log, engine } = aDeployment();
  const stream = streamId("main", "conversation", crypto.randomUUID());
  const joins = Array.from({ length: 400 }, () =>
    MemberAdded({ userId: crypto.randomUUID(), role: "member", afterSeq: 0 }),
  );
  const says = (length: number) =>
    Array.from({ length }, () => MemberRoleChanged({ userId: crypto.randomUUID(), role: "admin" }));
  const snapshots = memorySnapshots();
  const keeping = engine({ snapshots, limits: { snapshotEvery: 10 } });
  await appendAll(log, stream, 0, joins);
  await load(stream, conversation, keeping);
  await keptAt(snapshots, stream, 399);
  await appendAll(log, stream, 400, says(99));
  const loaded = await load(stream, conversation, keeping);
  expect(loaded.revision).toBe(498);
  await appendAll(log, stream, 499, says(1));
  await load(stream, conversation, keeping);
  await keptAt(snapshots, stream, 499);
});

const usable = madeBy(conversation);
const unusables: [string, Partial<Snapshot>, object?][] = [
  ["made by another fold", { madeBy: usable.replace(/^\d+/, "0") }],
  ["of another shape", { madeBy: `${usable.slice(0, -1)}x` }],
  ["from a history that the log has lost", { revision: 1_000 }],
  ["that lacks what the state is made of", { parts: ["{}"] }],
  ["that holds something else under a name of the state's", {}, { members: { is: "Map" } }],
  ["whose members are none", {}, { members: [["a", { role: "king" }]] }],
  ["that is no JSON", { parts: ["{"] }],
  ["that is a list", { parts: ["[]"] }],
  ["with something that no state has", {}, { surplus: 1 }],
];
test.each(unusables)("a snapshot %s is dropped and another one kept", async (_, altered, also = {}) => {
  const { engine, account } = aDeployment();
  const ada = account();
  const snapshots = memorySnapshots();
  const { conversationId, stream } = await aGroup(engine(), ada);
  const [state = "{}"] = await writeState((await load(stream, conversation, engine())).state);
  const parts = [JSON.stringify({ ...JSON.parse(state), lastSeq: 40, ...also })];
  await snapshots.save(stream, { revision: 0, madeBy: usable, parts, ...altered });
  const keeping = engine({ snapshots, limits: { snapshotEvery: 1 } });
  const said = { conversationId, messageId: crypto.randomUUID(), text: "hello" };
  expect(await send(keeping, SendMessage, said, asks(ada))).toMatchObject({ body: { seq: 1 } });
  const { revision } = await load(stream, conversation, engine());
  await keptAt(snapshots, stream, revision);
  expect(snapshots.kept.get(stream)?.madeBy).toBe(usable);
});

test("a snapshot that could not be kept costs nothing but time", async () => {
  const { engine, account } = aDeployment();
  const ada = account();
  const warned = new Promise<Error>((resolve) => process.once("warning", resolve));
  const failing: Snapshots = {
    ...noSnapshots,
    save: () => Promise.reject(new Error("the disk is full")),
  };
  const { conversationId } = await aGroup(engine(), ada);
  const full = engine({ snapshots: failing, limits: { snapshotEvery: 1 } });
  answered(await send(full, SendMessage, { conversationId, messageId: crypto.randomUUID(), text: "hello" }, asks(ada)));
  expect((await warned).message).toContain("the disk is full");
});

test("what a newer version wrote is named, with the remedy", async () => {
  const { log, engine } = aDeployment();
  const stream = streamId("main", "conversation", crypto.randomUUID());
  const events = [{ type: "MessagePinned", version: 1, target: null, data: "{}", meta: "{}", sealed: null }];
  await log.append(stream, -1, [
    { commandId: crypto.randomUUID(), actorId: null, payloadHash: new Uint8Array(32), events },
  ]);
  await expect(load(stream, conversation, engine())).rejects.toThrow(UnknownEventMet);
  await expect(load(stream, conversation, engine())).rejects.toThrow("MessagePinned v1 at revision 0");
});
