import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { By } from "../../domain/by.ts";
import type { Projector } from "../../projections/projector.ts";
import { type ChatLog, chatLog } from "../../test/support/chatLog.ts";
import { deviceState } from "../../test/support/deviceState.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { anyStep, randomChat } from "../../test/support/randomChat.ts";
import { by, reader } from "../../test/support/reader.ts";
import { caughtUp, startProjector } from "../../test/support/readModels.ts";
import { runsWithin } from "../../test/support/runsWithin.ts";
import type { Change } from "../shapes.ts";
import { changeSource } from "./changeSource.ts";
import { Sync } from "./sync.ts";

let db: FreshDatabase;
let projector: Projector;
let chat: ChatLog;
let reading: ReturnType<typeof reader>;

beforeAll(async () => {
  db = await freshDatabase();
  chat = chatLog();
  projector = await startProjector(chat.log, db.database);
  reading = reader(chat, db.database);
});
afterAll(async () => {
  await projector.stop();
  await db.drop();
});
const settle = () => caughtUp(projector, chat.log);

const sync = (who: By, cursor: string | undefined, limit = 200) =>
  reading.get(Sync, who, { limit, ...(cursor === undefined ? {} : { cursor }) });

/** A device: it asks for pages and applies them. */
function device(who: By) {
  const state = deviceState(who.userId);
  let cursor: string | undefined;
  return {
    state,
    /** Up to the end of the round, or only so many pages of it. */
    async pull({ limit = 200, pages = Number.POSITIVE_INFINITY }: { limit?: number; pages?: number } = {}) {
      const all: Change[] = [];
      for (let page = 0; page < pages; page++) {
        const { changes, more, reset, cursor: next } = await sync(who, cursor, limit);
        expect(changes.length).toBeLessThanOrEqual(limit);
        if (reset) state.reset();
        state.apply(changes);
        all.push(...changes);
        cursor = next;
        if (!more) break;
      }
      return all;
    },
    /** Whole rounds until nothing is left of one that was interrupted. */
    async catchUp(limit?: number) {
      const before = await this.pull(limit === undefined ? {} : { limit });
      return [...before, ...(await this.pull(limit === undefined ? {} : { limit }))];
    },
    get cursor() {
      return cursor ?? "";
    },
  };
}

const ops = (changes: readonly Change[]) => changes.map(({ op }) => op);

describe("sync", () => {
  test("begins with oneself, then each conversation as a snapshot holds it, in the contract's order", async () => {
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    const group = await chat.group("plans", ada, [bo]);
    for (let message = 0; message < 25; message++) await chat.send(group, bo, `message ${message}`);
    await settle();
    const { changes, reset, more } = await sync(by(ada), undefined);
    expect([reset, more]).toEqual([true, false]);
    expect(ops(changes)).toEqual([
      ...["me", "conversation", "preferences", "unread", "member", "member", "receipt", "receipt", "user"],
      ...Array.from({ length: 20 }, () => "message"),
    ]);
    expect(changes[1]).toMatchObject({ conversation: { unread: 25, lastSeq: 25, lastMessage: { seq: 25 } } });
  });

  test("gives nothing when nothing happened, and then only what did", async () => {
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    const group = await chat.group("plans", ada, [bo]);
    const first = await chat.send(group, bo, "hello");
    await settle();
    const phone = device(by(ada));
    await phone.pull();
    expect(await phone.pull()).toEqual([]);
    await chat.react(group, first, bo, "👍");
    await chat.mark(group, bo, 1);
    await chat.profile(bo, "Bobby");
    await chat.prefer(group, ada, "none");
    await settle();
    expect(ops(await phone.pull())).toEqual(["user", "message", "preferences", "unread"]);
    await chat.rename(group, "other plans");
    await settle();
    expect(ops(await phone.pull())).toEqual(["conversation", "unread"]);
  });

  test("gives whatever happened alone, however little it was", async () => {
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    const group = await chat.group("plans", ada, [bo]);
    const message = await chat.send(group, bo, "please acknowledge");
    await settle();
    const phone = device(by(ada));
    await phone.pull();
    const alone: [() => Promise<unknown>, ...string[]][] = [
      [() => chat.ask(group, message, [ada]), "message", "unread"],
      [() => chat.acknowledge(group, message, ada), "message", "unread"],
      [() => chat.react(group, message, bo, "👍"), "message", "unread"],
      [() => chat.unreact(group, message, bo, "👍"), "message", "unread"],
      [() => chat.edit(group, message, "please do"), "message", "unread"],
      [() => chat.mark(group, ada, 1), "receipt", "unread"],
      [() => chat.prefer(group, bo, "none")],
      [() => chat.role(group, bo, "admin"), "member", "unread"],
      [() => chat.discard(group, message), "message", "unread"],
    ];
    for (const [happens, ...told] of alone) {
      await happens();
      await settle();
      expect(ops(await phone.pull()).filter((op) => op !== "user")).toEqual(told);
    }
  });

  test("a cursor that is garbage, altered, or another's starts again, and nothing of it is used", async () => {
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    await settle();
    const { cursor } = await sync(by(ada), undefined);
    expect(await sync(by(ada), cursor)).toMatchObject({ reset: false, changes: [] });
    const altered = `${cursor.slice(0, 20)}${cursor[20] === "A" ? "B" : "A"}${cursor.slice(21)}`;
    for (const [who, held] of [
      [by(bo), cursor],
      [by(ada, { deviceId: "01890a5d-0000-7000-8000-00000000d02c" }), cursor],
      [by(ada, { tenant: "other" }), cursor],
      [by(ada), altered],
      [by(ada), "garbage"],
      [by(ada), ""],
    ] as const)
      expect(await sync(who, held)).toMatchObject({ reset: true });
  });

  test("tells whoever was removed so once, and nothing of the conversation again", async () => {
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    const group = await chat.group("plans", ada, [bo]);
    await settle();
    const phone = device(by(bo));
    await phone.pull();
    await chat.send(group, ada, "the last that bo could have seen");
    await chat.remove(group, bo);
    await chat.send(group, ada, "without bo");
    await settle();
    expect(await phone.pull()).toEqual([{ op: "left", conversationId: group }]);
    await chat.send(group, ada, "still without bo");
    await settle();
    expect(await phone.pull()).toEqual([]);
  });

  test("brings a conversation that one joined whole, and has it dropped first: the device may be ahead of its cursor", async () => {
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    const group = await chat.group("plans", ada);
    await chat.send(group, ada, "before bo");
    await settle();
    const phone = device(by(bo));
    await phone.pull();
    await chat.add(group, bo);
    await chat.send(group, ada, "welcome");
    await settle();
    const joined = await phone.pull();
    expect(ops(joined).slice(0, 4)).toEqual(["left", "conversation", "preferences", "unread"]);
    expect(joined.filter(({ op }) => op === "message")).toMatchObject([{ message: { text: "welcome", seq: 2 } }]);
    await chat.remove(group, bo);
    await chat.add(group, bo);
    await settle();
    expect(ops(await phone.pull()).slice(0, 2)).toEqual(["left", "conversation"]);
  });

  test("sends a conversation anew when its history is narrowed, and only tells when it is opened", async () => {
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    const group = await chat.group("plans", ada);
    await chat.send(group, ada, "before bo");
    await chat.add(group, bo);
    await settle();
    const [phone, hers] = [device(by(bo)), device(by(ada))];
    await phone.pull();
    await hers.pull();
    await chat.open(group, "all");
    await settle();
    expect(await phone.pull()).toMatchObject([{ op: "conversation", conversation: { firstSeq: 1 } }, { op: "unread" }]);
    await hers.pull();
    await chat.open(group, "joined");
    await settle();
    const narrowed = await phone.pull();
    expect(narrowed.slice(0, 2)).toMatchObject([{ op: "left" }, { op: "conversation", conversation: { firstSeq: 2 } }]);
    expect(ops(narrowed)).not.toContain("message");
    expect(ops(await hers.pull())).toEqual(["conversation", "unread"]);
  });

  test("sends a conversation anew when more than 200 of its messages changed", async () => {
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    const group = await chat.group("plans", ada, [bo]);
    await settle();
    const phone = device(by(bo));
    await phone.pull();
    for (let message = 0; message < 200; message++) await chat.send(group, ada, `message ${message}`);
    await settle();
    const { cursor } = phone;
    expect((await phone.pull()).filter(({ op }) => op === "message")).toHaveLength(200);
    await chat.send(group, ada, "one too many");
    await settle();
    const late = await sync(by(bo), cursor);
    expect(ops(late.changes).slice(0, 2)).toEqual(["left", "conversation"]);
    expect(late.changes.filter(({ op }) => op === "message")).toHaveLength(20);
    expect(phone.state.faults).toEqual([]);
  });

  test("gives the same snapshot in pages of one as in one page", async () => {
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    for (let group = 0; group < 3; group++) {
      const id = await chat.group(`group ${group}`, ada, [bo]);
      for (let message = 0; message < 4; message++) await chat.send(id, message % 2 ? ada : bo, `message ${message}`);
    }
    await settle();
    const [whole, ones] = [device(by(ada)), device(by(ada))];
    expect(await ones.pull({ limit: 1 })).toEqual(await whole.pull());
  });

  test("leaves out no conversation that becomes active while a snapshot is paged", async () => {
    const ada = await chat.person("ada");
    const ids: string[] = [];
    for (let group = 0; group < 30; group++) ids.push(await chat.group(`group ${group}`, ada));
    await settle();
    const phone = device(by(ada));
    await phone.pull({ limit: 7, pages: 3 });
    await chat.send(ids[0] ?? "", ada, "up it goes");
    await settle();
    await phone.catchUp(7);
    expect(new Set(phone.state.conversations.keys())).toEqual(new Set(ids));
    expect(phone.state.conversations.get(ids[0] ?? "")?.messages.size).toBe(1);
  });

  test("brings no message before its sender where history is opened while a conversation is sent", async () => {
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    const group = await chat.group("plans", ada);
    await chat.send(group, ada, "before bo");
    await chat.add(group, bo);
    await chat.send(group, bo, "after");
    await settle();
    const phone = device(by(bo));
    const isSender = (change: Change | undefined) => change?.op === "user";
    while (!isSender((await phone.pull({ limit: 1, pages: 1 })).at(-1)));
    await chat.open(group, "all");
    await settle();
    await phone.catchUp(1);
    expect(phone.state.faults).toEqual([]);
    expect([...(phone.state.conversations.get(group)?.messages.values() ?? [])].map(({ seq }) => seq)).toEqual([2]);
    expect(phone.state.conversations.get(group)?.conversation.firstSeq).toBe(1);
  });

  test("takes a stale device to what a fresh one knows, whatever happened and wherever its pages were cut", async () => {
    const anyMoment = fc.record({
      steps: fc.array(anyStep, { minLength: 1, maxLength: 12 }),
      limit: fc.integer({ min: 1, max: 9 }),
      pages: fc.integer({ min: 0, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyMoment, { minLength: 2, maxLength: 8 }),
        runsWithin(30_000, async (moments) => {
          const people = [
            await chat.person("ada"),
            await chat.person("bo"),
            await chat.person("cy"),
            await chat.person("di"),
          ];
          const play = randomChat(chat, people);
          const devices = people.map((person) => device(by(person)));
          for (const { steps, limit, pages } of moments) {
            await play.play(steps);
            await settle();
            for (const each of devices) await each.pull({ limit, pages });
          }
          for (const [index, each] of devices.entries()) {
            await each.catchUp(moments[0]?.limit ?? 3);
            const fresh = device(by(people[index] ?? ""));
            await fresh.pull();
            expect(each.state.view(fresh.state)).toEqual(fresh.state.view(each.state));
            expect(each.state.faults).toEqual([]);
            expect(each.state.gaps()).toEqual([]);
          }
        }),
      ),
      { numRuns: 30 },
    );
  }, 120_000);
});

describe("changes that are passed on live", () => {
  test("are those of sync, to the byte", async () => {
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    const group = await chat.group("plans", ada, [bo]);
    await settle();
    const phone = device(by(bo));
    await phone.pull();
    const messageId = await chat.send(group, ada, "hello");
    await chat.react(group, messageId, ada, "👍");
    await chat.prefer(group, bo, "mentions");
    await chat.mark(group, bo, 1);
    await chat.role(group, bo, "admin");
    await settle();
    const synced = new Map((await phone.pull()).map((change) => [change.op, JSON.stringify(change)]));
    const source = changeSource(reading.parts);
    const [key, of] = [`${group} ${messageId}`, `${group} ${bo}`];
    const person = [{ conversationId: group, userId: bo }];
    const live = {
      message: (await source.messages("main", [{ conversationId: group, messageId }])).get(key),
      member: (await source.members("main", person)).get(of),
      receipt: (await source.receipts("main", person)).get(of),
      user: (await source.users("main", [ada])).get(ada),
      conversation: (await source.conversations("main", person)).get(of),
      preferences: (await source.preferences("main", person)).get(of),
      unread: (await source.unread("main", group, [bo], 1)).get(bo),
    };
    for (const [op, change] of Object.entries(live))
      expect([op, JSON.stringify(change)]).toEqual([op, synced.get(change?.op ?? "me")]);
    await chat.send(group, ada, "not told yet");
    await settle();
    expect((await source.unread("main", group, [bo], 1)).get(bo)).toMatchObject({ unread: 0 });
    expect((await source.unread("main", group, [bo], 2)).get(bo)).toMatchObject({ unread: 1 });
    expect(
      (await source.anew("main", { conversationId: group, userId: bo }, 2)).slice(0, 3).map(({ op }) => op),
    ).toEqual(["conversation", "preferences", "unread"]);
    expect((await source.anew("main", { conversationId: group, userId: bo }, 1))[0]).toMatchObject({
      conversation: { lastSeq: 1, unread: 0, lastMessage: { seq: 1 } },
    });
    let upTo = 0;
    for await (const page of source.catchUp(by(bo), undefined)) upTo = page.upTo;
    expect(upTo).toBe((await chat.log.head()).position);
    expect((await source.belongings("main", bo)).conversations).toMatchObject([
      { conversationId: group, role: "admin" },
    ]);
  });
});
