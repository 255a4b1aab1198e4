import { describe, expect, test } from "vitest";
import { check } from "./check.ts";
import type { Attempt, History, LogEntry, Seen } from "./history.ts";
import type { Rule } from "./violation.ts";

type Writable<T> = T extends object ? { -readonly [Key in keyof T]: Writable<T[Key]> } : T;

const [ada, bo, cy] = ["ada", "bo", "cy"];
const TEA = "7e0";
const STREAM = `main/conversation-${TEA}`;

/** Ada makes a group with Bo and Cy, the three of them write, Bo edits and deletes, Cy is removed; all is as it must be. */
function cleanHistory(): Writable<History> {
  const log: LogEntry[] = [];
  const attempts: Attempt[] = [];
  let at = 0;
  const record = (commandId: string, actorId: string, type: string, data: Record<string, unknown>, ordinal = 0) => {
    const revision = log.length;
    log.push({
      ...{ position: 10 + revision, stream: STREAM, revision, recordedAt: 1_000 + revision },
      ...{ commandId, ordinal, actorId, type, data },
    });
    return { position: 10 + revision, revision };
  };
  const ask = (userId: string, name: string, commandId: string, more: Partial<Attempt>) => {
    const attempt: Attempt = {
      userId,
      name,
      conversationId: TEA,
      commandId,
      invokedAt: ++at,
      outcome: "invoked",
      ...more,
    };
    attempts.push(attempt);
    return attempt;
  };
  const ok = (attempt: Attempt, answer: Attempt["answer"]) =>
    Object.assign(attempt, { outcome: "ok", endedAt: ++at, answer });

  const create = ask(ada, "CreateConversation", "create", {});
  record("create", ada, "ConversationCreated", { kind: "group", historyVisibility: "joined" });
  record("create", ada, "MemberAdded", { userId: ada, role: "owner", afterSeq: 0 }, 1);
  record("create", ada, "MemberAdded", { userId: bo, role: "member", afterSeq: 0 }, 2);
  ok(create, record("create", ada, "MemberAdded", { userId: cy, role: "member", afterSeq: 0 }, 3));
  const seen: Seen[] = [];
  for (const [index, userId] of [ada, bo, cy, bo].entries()) {
    const messageId = `m${index + 1}`;
    const seq = index + 1;
    const text = `text ${seq}`;
    const attempt = ask(userId, "SendMessage", messageId, { messageId, text });
    // The second got no answer at first, and was sent again.
    if (seq === 2) {
      attempt.outcome = "unknown";
      attempt.endedAt = ++at;
    }
    const place = record(messageId, userId, "MessageSent", { target: messageId, seq, authorId: userId });
    ok(seq === 2 ? ask(userId, "SendMessage", messageId, { messageId, text }) : attempt, { ...place, seq });
    seen.push({ messageId, seq, revision: place.revision, text, deleted: false });
  }
  const edit = ask(bo, "EditMessage", "edit", { messageId: "m2", text: "edited" });
  const edited = record("edit", bo, "MessageEdited", { target: "m2", seq: 2, authorId: bo });
  ok(edit, edited);
  seen[1] = { messageId: "m2", seq: 2, revision: edited.revision, text: "edited", deleted: false };
  const drop = ask(bo, "DeleteMessage", "drop", { messageId: "m4" });
  const dropped = record("drop", bo, "MessageDeleted", { target: "m4", seq: 4, authorId: bo });
  ok(drop, dropped);
  seen[3] = { messageId: "m4", seq: 4, revision: dropped.revision, text: null, deleted: true };
  const refused = ask(cy, "EditMessage", "refused", { messageId: "m1", text: "not mine" });
  Object.assign(refused, { outcome: "failed", endedAt: ++at, code: "forbidden" });
  const remove = ask(ada, "RemoveMember", "remove", { otherId: cy });
  const removed = record("remove", ada, "MemberRemoved", { userId: cy, lastSeq: 4 });
  ok(remove, removed);

  log.push({
    ...{ position: 30, stream: `main/receipts-${TEA}`, revision: 0, recordedAt: 2_000 },
    ...{ commandId: "marks", ordinal: 0, actorId: null, type: "MarksRaised" },
    data: { marks: [{ userId: ada, delivered: 4, read: 2 }] },
  });

  const message = (userId: string, one: Seen) =>
    ({
      op: "message",
      reader: `${userId}'s socket`,
      userId,
      conversationId: TEA,
      at: ++at,
      position: 10 + one.revision,
      live: true,
      ...one,
    }) as const;
  const receipt = (read: number) =>
    ({
      op: "receipt",
      reader: "ada's socket",
      userId: ada,
      conversationId: TEA,
      at: ++at,
      position: 20,
      live: true,
      of: bo,
      read,
      delivered: read,
    }) as const;
  return {
    attempts,
    log,
    sightings: [
      ...seen.map((one) => message(ada, one)),
      ...seen.map((one) => message(bo, one)),
      ...seen.slice(0, 2).map((one) => message(cy, one)),
      {
        op: "left",
        reader: "cy's socket",
        userId: cy,
        conversationId: TEA,
        at: ++at,
        position: removed.position,
        live: true,
      },
      receipt(1),
      receipt(3),
    ],
    readings: [
      {
        userId: bo,
        conversationId: TEA,
        invokedAt: ++at,
        endedAt: ++at,
        minPosition: 1_000,
        status: 200,
        messages: seen,
        whole: true,
      },
      {
        userId: cy,
        conversationId: TEA,
        invokedAt: ++at,
        endedAt: ++at,
        minPosition: 0,
        status: 404,
        messages: [],
        whole: true,
      },
    ],
    devices: [
      {
        reader: "ada's device",
        userId: ada,
        conversations: [{ conversationId: TEA, floor: 1, unread: 1, messages: seen }],
      },
      { reader: "cy's device", userId: cy, conversations: [] },
    ],
    readModels: [{ table: "history.messages", live: "aa", replayed: "aa" }],
  };
}

const attemptOf = ({ attempts }: Writable<History>, commandId: string) => {
  const found = attempts.findLast((attempt) => attempt.commandId === commandId);
  if (!found) throw new Error(`no ${commandId}`);
  return found;
};
const entryOf = ({ log }: Writable<History>, commandId: string) => {
  const found = log.find((entry) => entry.commandId === commandId);
  if (!found) throw new Error(`no ${commandId}`);
  return found;
};
const first = <T>(of: readonly T[], meant: (one: T) => boolean = () => true): T => {
  const found = of.find(meant);
  if (found === undefined) throw new Error("it is not there");
  return found;
};
const forget = (history: Writable<History>, commandId: string) => {
  history.log = history.log.filter((entry) => entry.commandId !== commandId);
};

/** What is done to a clean history, and the promise that this breaks. */
const planted: readonly (readonly [string, Rule, (history: Writable<History>) => void])[] = [
  ["an acknowledged message that is not in the log", "acknowledged-lost", (it) => forget(it, "m3")],
  [
    "a message that is in the log twice",
    "recorded-twice",
    (it) => it.log.push({ ...entryOf(it, "m1"), position: 99, revision: 11 }),
  ],
  [
    "a command that is in the log twice, as two messages",
    "recorded-twice",
    (it) =>
      it.log.push({ ...entryOf(it, "m1"), position: 99, revision: 11, data: { target: "m9", seq: 5, authorId: ada } }),
  ],
  ["an answer with another seq", "answer-differs", (it) => Object.assign(attemptOf(it, "m3").answer ?? {}, { seq: 2 })],
  [
    "a retry that is answered otherwise",
    "answer-differs",
    (it) => it.attempts.push({ ...attemptOf(it, "m3"), answer: { position: 99, revision: 9, seq: 9 } }),
  ],
  [
    "a refused edit that happened",
    "refused-but-recorded",
    (it) => it.log.push({ ...entryOf(it, "edit"), commandId: "refused", position: 99, revision: 11 }),
  ],
  [
    "a key that was acknowledged to two people",
    "key-of-another",
    (it) => it.attempts.push({ ...attemptOf(it, "m1"), userId: bo }),
  ],
  [
    "an event that nobody asked for",
    "never-asked",
    (it) => it.log.push({ ...entryOf(it, "edit"), commandId: "whose", position: 99, revision: 11 }),
  ],
  [
    "a message that was never sent, on a socket",
    "never-sent",
    (it) =>
      it.sightings.push({
        ...first(it.sightings),
        op: "message",
        messageId: "m9",
        seq: 5,
        revision: 5,
        text: "?",
        deleted: false,
      }),
  ],
  [
    "a text that nobody wrote",
    "text-differs",
    (it) => Object.assign(first(first(it.readings).messages), { text: "other" }),
  ],
  [
    "the text from before an edit, at the edit's revision",
    "text-differs",
    (it) =>
      Object.assign(
        first(it.sightings, (one) => one.op === "message" && one.seq === 2),
        { text: "text 2" },
      ),
  ],
  [
    "a deleted message whose text is still read",
    "text-differs",
    (it) =>
      Object.assign(
        first(it.sightings, (one) => one.op === "message" && one.seq === 4),
        { text: "text 4" },
      ),
  ],
  ["a seq that was left out", "log-out-of-order", (it) => Object.assign(entryOf(it, "m4").data, { seq: 5 })],
  ["a revision that was left out", "log-out-of-order", (it) => Object.assign(entryOf(it, "edit"), { revision: 20 })],
  ["a position that stands twice", "log-out-of-order", (it) => Object.assign(entryOf(it, "edit"), { position: 17 })],
  ["a time that fell", "log-out-of-order", (it) => Object.assign(entryOf(it, "edit"), { recordedAt: 1 })],
  [
    "two readers who saw a message at two places",
    "order-differs",
    (it) =>
      Object.assign(
        first(it.sightings, (one) => one.userId === bo),
        { seq: 3 },
      ),
  ],
  [
    "a message that a device never got",
    "gap-seen",
    (it) => first(first(it.devices).conversations).messages.splice(1, 1),
  ],
  [
    "a device that missed an edit",
    "not-up-to-date",
    (it) => Object.assign(first(first(it.devices).conversations).messages[1] ?? {}, { revision: 5, text: "text 2" }),
  ],
  [
    "a device that kept what its person was removed from",
    "not-up-to-date",
    (it) =>
      first(it.devices, ({ userId }) => userId === cy).conversations.push({
        conversationId: TEA,
        floor: 9,
        unread: 0,
        messages: [],
      }),
  ],
  [
    "a device that counts a deleted message as unread",
    "unread-differs",
    (it) => Object.assign(first(first(it.devices).conversations), { unread: 2 }),
  ],
  [
    "a device that still counts what was read on another one",
    "unread-differs",
    (it) =>
      Object.assign(first(it.log, ({ type }) => type === "MarksRaised").data, { marks: [{ userId: ada, read: 3 }] }),
  ],
  ["a page without one's own message", "own-write-unseen", (it) => first(it.readings).messages.splice(1, 1)],
  [
    "a page with one's own message as it was before one's edit",
    "own-write-unseen",
    (it) => Object.assign(first(it.readings).messages[1] ?? {}, { revision: 5, text: "text 2" }),
  ],
  [
    "a frame after the removal",
    "seen-after-removal",
    (it) =>
      Object.assign(
        first(it.sightings, (one) => one.userId === cy),
        { position: 21 },
      ),
  ],
  [
    "a page after the removal",
    "seen-after-removal",
    (it) =>
      Object.assign(
        first(it.readings, ({ userId }) => userId === cy),
        { status: 200 },
      ),
  ],
  [
    "a message that overtook one that was acknowledged before",
    "real-time-order",
    (it) => Object.assign(attemptOf(it, "m1"), { invokedAt: 99, endedAt: 100 }),
  ],
  ["a mark that fell", "mark-fell", (it) => Object.assign(it.sightings.at(-1) ?? {}, { read: 0, delivered: 0 })],
  [
    "a mark that was read before it was delivered",
    "mark-fell",
    (it) => Object.assign(it.sightings.at(-1) ?? {}, { delivered: 1 }),
  ],
  [
    "a read model that is not what the log gives",
    "replay-differs",
    (it) => Object.assign(first(it.readModels), { replayed: "bb" }),
  ],
];

describe("the checker", () => {
  test("accepts a clean history", () => {
    expect(check(cleanHistory())).toEqual([]);
  });

  test.each(planted)("finds %s", (_, rule, plant) => {
    const history = structuredClone(cleanHistory());
    plant(history);
    expect(check(history).map((violation) => violation.rule)).toContain(rule);
  });

  test("takes no offence at what is merely unknown: an attempt without an answer may have happened or not", () => {
    const happened = structuredClone(cleanHistory());
    for (const attempt of happened.attempts) if (attempt.commandId === "m4") attempt.outcome = "unknown";
    expect(check(happened)).toEqual([]);
    const lost = structuredClone(cleanHistory());
    lost.attempts.push({ ...attemptOf(lost, "m4"), commandId: "m8", messageId: "m8", outcome: "unknown" });
    expect(check(lost)).toEqual([]);
  });
});
