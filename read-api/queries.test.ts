import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Projector } from "../projections/projector.ts";
import { type ChatLog, chatLog } from "../test/support/chatLog.ts";
import { type FreshDatabase, freshDatabase } from "../test/support/postgres.ts";
import { by, reader } from "../test/support/reader.ts";
import { caughtUp, startProjector } from "../test/support/readModels.ts";
import { GetConversation } from "./getConversation.ts";
import { GetConversationPreferences } from "./getConversationPreferences.ts";
import { GetMessage } from "./getMessage.ts";
import { GetMessageHistory } from "./getMessageHistory.ts";
import { GetReceipts } from "./getReceipts.ts";
import { ListConversations } from "./listConversations.ts";
import { ListMembers } from "./listMembers.ts";
import { ListMessages } from "./listMessages.ts";

let db: FreshDatabase;
let projector: Projector;
let chat: ChatLog;
let read: ReturnType<typeof reader>["get"];
let [ada, bo, cy] = ["", "", ""];

beforeAll(async () => {
  db = await freshDatabase();
  chat = chatLog();
  projector = await startProjector(chat.log, db.database);
  read = reader(chat, db.database).get;
});
afterAll(async () => {
  await projector.stop();
  await db.drop();
});
beforeEach(async () => {
  [ada, bo, cy] = [await chat.person("ada", "Ada"), await chat.person("bo", "Bo"), await chat.person("cy", "Cy")];
});
const settle = () => caughtUp(projector, chat.log);
const refused = (what: Promise<unknown>, code: string) => expect(what).rejects.toThrow(code);

describe("a conversation", () => {
  test("shows its name, one's role, the last message and what one has not read", async () => {
    const id = await chat.group("plans", ada, [bo]);
    await chat.send(id, ada, "one", { mentions: [bo] });
    const second = await chat.send(id, ada, "two", { mentions: [bo] });
    await chat.send(id, ada, "three");
    await chat.discard(id, second);
    await settle();
    expect(await read(GetConversation, by(bo), { conversationId: id })).toMatchObject({
      conversationId: id,
      kind: "group",
      name: "plans",
      role: "member",
      memberCount: 2,
      firstSeq: 1,
      lastSeq: 3,
      lastMessage: { text: "three" },
      read: 0,
      unread: 2,
      mentions: 1,
      notify: "all",
      peer: null,
    });
    await chat.mark(id, bo, 1);
    await chat.send(id, bo, "four");
    await settle();
    expect(await read(GetConversation, by(bo), { conversationId: id })).toMatchObject({
      read: 4,
      unread: 0,
      mentions: 0,
    });
    expect(await read(GetConversation, by(ada), { conversationId: id })).toMatchObject({ read: 3, unread: 1 });
  });

  test("of two people shows the other by the name that holds now", async () => {
    const id = await chat.direct(ada, bo);
    await chat.profile(bo, "Bobby");
    await settle();
    expect(await read(GetConversation, by(ada), { conversationId: id })).toMatchObject({
      name: null,
      lastMessage: null,
      peer: { userId: bo, displayName: "Bobby" },
    });
  });

  test("does not exist for who is no member of it, whatever they saw once", async () => {
    const id = await chat.group("plans", ada, [bo]);
    const message = await chat.send(id, ada, "hello");
    await chat.remove(id, bo);
    await settle();
    for (const who of [by(bo), by(cy), by(ada, { tenant: "other" })]) {
      await refused(read(GetConversation, who, { conversationId: id }), "not-found: no such conversation");
      await refused(read(ListMembers, who, { conversationId: id }), "not-found: no such conversation");
      await refused(read(ListMessages, who, { conversationId: id }), "not-found: no such conversation");
      await refused(read(GetMessage, who, { conversationId: id, messageId: message }), "no such conversation");
      await refused(read(GetReceipts, who, { conversationId: id, messageId: message }), "no such conversation");
      await refused(read(GetConversationPreferences, who, { conversationId: id }), "no such conversation");
    }
  });
});

describe("the inbox", () => {
  test("comes by last activity, and none is skipped that becomes active while one pages", async () => {
    const ids: string[] = [];
    for (let each = 0; each < 7; each++) ids.push(await chat.group(`group ${each}`, ada));
    await settle();
    const first = await read(ListConversations, by(ada), { limit: "3" });
    expect(first.items.map(({ name }) => name)).toEqual(["group 6", "group 5", "group 4"]);
    await chat.send(ids[1] ?? "", ada, "up it goes");
    await settle();
    const seen = first.items.map(({ conversationId }) => conversationId);
    for (let { cursor } = first; cursor !== null; ) {
      const page = await read(ListConversations, by(ada), { limit: 3, cursor });
      seen.push(...page.items.map(({ conversationId }) => conversationId));
      cursor = page.cursor;
    }
    expect(new Set(seen)).toEqual(new Set(ids));
    await refused(read(ListConversations, by(bo), { cursor: first.cursor ?? "" }), "validation-failed");
  });
});

describe("messages", () => {
  test("page before, after and around a seq, and say whether there are more", async () => {
    const id = await chat.group("plans", ada, [bo]);
    for (let seq = 1; seq <= 10; seq++) await chat.send(id, ada, `message ${seq}`);
    await settle();
    const page = async (at: { before?: number; after?: number; around?: number; limit: number }) => {
      const { items, more } = await read(ListMessages, by(bo), { conversationId: id, ...at });
      return [...items.map(({ seq }) => seq), more.before, more.after];
    };
    expect(await page({ limit: 3 })).toEqual([8, 9, 10, true, false]);
    expect(await page({ limit: 3, before: 4 })).toEqual([1, 2, 3, false, true]);
    expect(await page({ limit: 3, after: 8 })).toEqual([9, 10, true, false]);
    expect(await page({ limit: 3, after: 0 })).toEqual([1, 2, 3, false, true]);
    expect(await page({ limit: 4, around: 5 })).toEqual([3, 4, 5, 6, true, true]);
    expect(await page({ limit: 4, around: 10 })).toEqual([7, 8, 9, 10, true, false]);
    expect(await page({ limit: 50, around: 1 })).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, false, false]);
    await refused(page({ limit: 3, before: 4, after: 1 }), "validation-failed");
  });

  test("are those of one's own memberships, or all where history is open", async () => {
    const id = await chat.group("plans", ada, [bo]);
    const seqs = async (who: string) => {
      await settle();
      return (await read(ListMessages, by(who), { conversationId: id })).items.map(({ seq }) => seq);
    };
    const early = await chat.send(id, ada, "before");
    await chat.add(id, cy);
    await chat.send(id, ada, "while in");
    await chat.remove(id, cy);
    await chat.send(id, ada, "while away");
    await chat.add(id, cy);
    await chat.send(id, ada, "back");
    expect(await seqs(cy)).toEqual([2, 4]);
    await refused(read(GetMessage, by(cy), { conversationId: id, messageId: early }), "not-found: no such message");
    expect(await read(GetConversation, by(cy), { conversationId: id })).toMatchObject({ firstSeq: 4, unread: 1 });
    await chat.open(id, "all");
    expect(await seqs(cy)).toEqual([1, 2, 3, 4]);
    await chat.open(id, "joined");
    expect(await seqs(cy)).toEqual([2, 4]);
  });

  test("show edits, deletions, reactions and replies as they are now", async () => {
    const id = await chat.group("plans", ada, [bo]);
    const root = await chat.send(id, ada, "first");
    const reply = await chat.send(id, bo, "reply", { threadRoot: root });
    await chat.edit(id, root, "second");
    await chat.react(id, root, bo, "👍");
    await chat.react(id, root, ada, "👍");
    await chat.react(id, root, bo, "🎉");
    await chat.unreact(id, root, ada, "👍");
    await settle();
    const { items } = await read(ListMessages, by(bo), { conversationId: id });
    expect(items[0]).toMatchObject({
      text: "second",
      threadCount: 1,
      deleted: false,
      editedAt: expect.any(String),
      reactions: [
        { emoji: "👍", count: 1, userIds: [bo], mine: true },
        { emoji: "🎉", count: 1, userIds: [bo], mine: true },
      ],
    });
    const thread = await read(ListMessages, by(bo), { conversationId: id, threadRoot: root });
    expect(thread.items.map(({ messageId }) => messageId)).toEqual([reply]);
    const versions = await read(GetMessageHistory, by(ada), { conversationId: id, messageId: root });
    expect(versions.items.map(({ text }) => text)).toEqual(["first", "second"]);
    await refused(read(GetMessageHistory, by(bo), { conversationId: id, messageId: root }), "forbidden");
    await chat.discard(id, reply);
    await chat.discard(id, root);
    await settle();
    expect(await read(GetMessage, by(bo), { conversationId: id, messageId: root })).toMatchObject({
      text: null,
      deleted: true,
      erased: false,
      editedAt: null,
      threadCount: 0,
      reactions: [],
    });
    await refused(read(GetMessageHistory, by(ada), { conversationId: id, messageId: root }), "gone");
  });

  test("of the erased keep their place and lose their words, and so do their reactions", async () => {
    const id = await chat.group("plans", ada, [bo]);
    const hers = await chat.send(id, ada, "secret");
    const his = await chat.send(id, bo, "stays");
    await chat.react(id, his, ada, "👍");
    await settle();
    await chat.erase(ada);
    const { items } = await read(ListMessages, by(bo), { conversationId: id });
    expect(items).toMatchObject([
      { messageId: hers, senderId: ada, text: null, deleted: true, erased: true },
      { messageId: his, text: "stays", reactions: [] },
    ]);
    expect((await read(ListMembers, by(bo), { conversationId: id })).items).toContainEqual(
      expect.objectContaining({ userId: ada, displayName: null }),
    );
  });
});

describe("members", () => {
  test("page by a cursor, and a guest sees who they are and what they may, no more", async () => {
    const id = await chat.group("plans", ada, [bo]);
    await chat.add(id, cy, "guest");
    await settle();
    const first = await read(ListMembers, by(ada), { conversationId: id, limit: 2 });
    const second = await read(ListMembers, by(ada), { conversationId: id, limit: 2, cursor: first.cursor ?? "" });
    expect(second.cursor).toBeNull();
    expect([...first.items, ...second.items].map(({ displayName }) => displayName).sort()).toEqual(["Ada", "Bo", "Cy"]);
    const { items } = await read(ListMembers, by(cy), { conversationId: id });
    expect(items.every(({ joinedAt }) => joinedAt === null)).toBe(true);
  });
});

describe("receipts", () => {
  test("say whom a message reached, who read it, and when", async () => {
    const id = await chat.group("plans", ada, [bo, cy]);
    const message = await chat.send(id, ada, "read me");
    await chat.mark(id, bo, 0, 1);
    await chat.mark(id, cy, 1);
    await settle();
    const reached = await read(GetReceipts, by(ada), { conversationId: id, messageId: message });
    expect(reached).toMatchObject({ delivered: 2, read: 1, total: 2, cursor: null });
    const of = new Map(reached.items.map((item) => [item.userId, item]));
    expect(of.get(bo)).toMatchObject({ deliveredAt: expect.any(String), readAt: null });
    await chat.mark(id, bo, 1);
    await chat.send(id, cy, "me too");
    await chat.send(id, ada, "and now");
    await chat.send(id, cy, "an answer reads what stands above it");
    await settle();
    const later = await read(GetReceipts, by(ada), { conversationId: id, messageId: message });
    expect(later).toMatchObject({ delivered: 2, read: 2 });
    expect(later.items.find(({ userId }) => userId === bo)?.deliveredAt).toBe(of.get(bo)?.deliveredAt);
  });
});
