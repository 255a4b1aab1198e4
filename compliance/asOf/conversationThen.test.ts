import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MemoryEventLog } from "../../infra/eventLog/memoryEventLog.ts";
import type { Database } from "../../infra/ports/database.ts";
import { acknowledgementsOf, messagesWithin, reactionsTo } from "../../projections/history/queries.ts";
import { membersPage } from "../../projections/members/queries.ts";
import { chatLog } from "../../test/support/chatLog.ts";
import { freshDatabase } from "../../test/support/postgres.ts";
import { anyStep, randomChat } from "../../test/support/randomChat.ts";
import { caughtUp, startProjector } from "../../test/support/readModels.ts";
import { conversationThen } from "./conversationThen.ts";
import { atPosition, atTime } from "./logAt.ts";
import type { PageAsked } from "./messageWindow.ts";

/** What a service shows that stands where the log ends now: read from its read models. */
async function shown(database: Database, conversation: string) {
  const range = { limit: 200, descending: false, threadRoot: null };
  const messages = await messagesWithin(database, "main", conversation, [{ from: 1, to: null }], range);
  const [head] = (
    await database.query<{ kind: string; visibility: string; lastSeq: number }>(
      `select kind, history_visibility as visibility, last_seq as "lastSeq"
       from inbox.conversations join inbox.conv_head using (tenant, conversation) where conversation = $1`,
      [conversation],
    )
  ).rows;
  const { rows: marks } = await database.query<{ userId: string; delivered: number; read: number }>(
    `select k.user_id as "userId", delivered, read from receipts.marks k
     join members.members m using (tenant, conversation, user_id) where conversation = $1 and present order by user_id`,
    [conversation],
  );
  const acknowledgements = await acknowledgementsOf(database, "main", messages);
  const members = await membersPage(database, "main", conversation, { after: null, limit: 200 });
  return {
    ...head,
    members: members.map(({ userId, role, joinedAt }) => ({ userId, role, joinedAt })),
    marks,
    messages: messages.map((message) => ({
      ...message,
      acknowledged: acknowledgements.flatMap(({ seq, userId, at }) => (seq === message.seq ? [{ userId, at }] : [])),
    })),
    reactions: await reactionsTo(database, "main", messages),
  };
}

async function then(log: MemoryEventLog, conversation: string, position: number, asked: PageAsked = { limit: 200 }) {
  const at = await atPosition(log, position);
  const found = await conversationThen(log, { tenant: "main", conversationId: conversation }, at, asked);
  if (!found) throw new Error(`no ${conversation} at ${position}`);
  return found;
}

let db: Awaited<ReturnType<typeof freshDatabase>>;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

test(
  "as of any position it is what a service showed that stood there, for any history",
  () =>
    fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 30, maxLength: 60 }), async (steps) => {
        await db.database.query("drop schema if exists ops cascade");
        const log = new MemoryEventLog();
        const chat = chatLog(log);
        const projector = await startProjector(log, db.database);
        const people = [await chat.person("ada"), await chat.person("bo"), await chat.person("cy")];
        const random = randomChat(chat, people);
        const seen: { conversation: string; position: number; shown: Awaited<ReturnType<typeof shown>> }[] = [];
        try {
          for (let from = 0; from < steps.length; from += 10) {
            await random.play(steps.slice(from, from + 10));
            await caughtUp(projector, log);
            const { position } = await log.head();
            for (const { id } of random.groups)
              seen.push({ conversation: id, position, shown: await shown(db.database, id) });
          }
          expect(seen.length).toBeGreaterThan(0);
          for (const { conversation, position, shown } of seen) {
            const {
              kind,
              historyVisibility: visibility,
              lastSeq,
              members,
              marks,
              messages,
              reactions,
            } = await then(log, conversation, position);
            const order = (list: readonly { emoji: string; userId: string; seq: number }[]) =>
              list.toSorted((one, other) => one.seq - other.seq);
            expect({
              kind,
              visibility,
              lastSeq,
              members,
              marks,
              messages: messages.map(({ deletedPosition: _, ...message }) => message),
              reactions: order(reactions),
            }).toEqual({ ...shown, reactions: order(shown.reactions) });
          }
        } finally {
          await projector.stop();
        }
      }),
      { numRuns: 4 },
    ),
  60_000,
);

describe("of a long conversation", () => {
  const log = new MemoryEventLog();
  const chat = chatLog(log);
  let id: string;
  const deleted = new Map<number, number>();
  beforeAll(async () => {
    const ada = await chat.person("ada");
    id = await chat.group("tea", ada);
    const ids: string[] = [];
    for (let seq = 1; seq <= 40; seq++) {
      ids.push(await chat.send(id, ada, `text ${seq}`, seq > 10 ? { threadRoot: ids[4] ?? "" } : {}));
      if (seq % 7 === 0) {
        await chat.discard(id, ids[seq - 3] ?? "");
        deleted.set(seq - 2, (await log.head()).position);
      }
    }
  });
  const seqs = async (asked: PageAsked) => {
    const { messages, more } = await then(log, id, (await log.head()).position, asked);
    return { seqs: messages.map(({ seq }) => seq), more };
  };
  const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

  test.each<[PageAsked, number[], { before: boolean; after: boolean }]>([
    [{ limit: 5 }, from(36, 40), { before: true, after: false }],
    [{ limit: 100 }, from(1, 40), { before: false, after: false }],
    [{ limit: 5, before: 20 }, from(15, 19), { before: true, after: true }],
    [{ limit: 5, before: 4 }, from(1, 3), { before: false, after: true }],
    [{ limit: 5, before: 900 }, from(36, 40), { before: true, after: false }],
    [{ limit: 5, before: 1 }, [], { before: false, after: true }],
    [{ limit: 5, after: 20 }, from(21, 25), { before: true, after: true }],
    [{ limit: 5, after: 38 }, from(39, 40), { before: true, after: false }],
    [{ limit: 5, after: 0 }, from(1, 5), { before: false, after: true }],
    [{ limit: 5, after: 40 }, [], { before: true, after: false }],
    [{ limit: 5, around: 20 }, from(18, 22), { before: true, after: true }],
    [{ limit: 6, around: 40 }, from(35, 40), { before: true, after: false }],
    [{ limit: 6, around: 1 }, from(1, 6), { before: false, after: true }],
  ])("a page is cut as everywhere: %j", async (asked, expected, more) => {
    expect(await seqs(asked)).toEqual({ seqs: expected, more });
  });

  test("what was deleted is there before, and tells since when it is not", async () => {
    for (const [seq, position] of deleted) {
      const [before, after] = [await then(log, id, position - 1), await then(log, id, position)];
      const of = ({ messages }: typeof before) => messages.find((message) => message.seq === seq);
      expect(of(before)).toMatchObject({ deleted: false, deletedPosition: null, sealed: expect.anything() });
      expect(of(after)).toMatchObject({ deleted: true, deletedPosition: position, sealed: null });
    }
  });

  test("a thread counts the replies that there were", async () => {
    const { position } = await log.head();
    for (const asked of [{ limit: 200 }, { limit: 2, around: 5 }]) {
      const { messages } = await then(log, id, position, asked);
      const gone = [...deleted.keys()].filter((seq) => seq > 10).length;
      expect(messages.find(({ seq }) => seq === 5)?.threadCount).toBe(30 - gone);
    }
  });
});

test("a time is the last position recorded by then", async () => {
  const clock = { ms: 1_000, now: () => clock.ms };
  const log = new MemoryEventLog(clock);
  const chat = chatLog(log);
  const lastAt = new Map<number, number>();
  for (const ms of [1_000, 1_000, 1_005, 1_010, 1_010, 1_010, 2_000]) {
    clock.ms = ms;
    await chat.person(`at ${ms}`);
    lastAt.set(ms, (await log.head()).position);
  }
  const expected = (ms: number) => Math.max(0, ...[...lastAt].flatMap(([at, position]) => (at <= ms ? position : [])));
  for (const ms of [0, 999, 1_000, 1_001, 1_004, 1_005, 1_009, 1_010, 1_011, 1_999, 2_000, 9_999])
    expect({ ms, ...(await atTime(log, ms)) }).toMatchObject({ ms, position: expected(ms) });
  expect(await atPosition(log, 99)).toEqual(await log.head());
});
