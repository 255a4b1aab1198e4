import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Change, Conversation, Message } from "./contract.ts";
import { apply, applyAll, type ClientState, emptyState, mergeHistory } from "./state.ts";
import { plainOf, stateOf } from "./stored.ts";
import { gaps, inbox, membersOf, messagesOf } from "./view.ts";

const conversation = (changes: Partial<Conversation> = {}): Change => {
  const whole: Conversation = {
    conversationId: "tea",
    kind: "group",
    name: "Tea",
    description: null,
    avatar: null,
    peer: null,
    settings: { historyVisibility: "joined" },
    role: "member",
    memberCount: 3,
    firstSeq: 1,
    lastSeq: 0,
    lastMessage: null,
    read: 0,
    delivered: 0,
    unread: 0,
    mentions: 0,
    notify: "all",
    mutedUntil: null,
    expiredTo: null,
    revision: 0,
    position: 1,
    ...changes,
  };
  const { conversationId, revision } = whole;
  return { op: "conversation", conversationId, revision, conversation: whole };
};

const message = (changes: Partial<Message> & { seq: number }): Change & { op: "message" } => {
  const whole: Message = {
    messageId: `m${changes.seq}`,
    conversationId: "tea",
    revision: changes.seq,
    senderId: "bo",
    kind: "text",
    text: `text ${changes.seq}`,
    replyTo: null,
    threadRoot: null,
    threadCount: 0,
    mentions: [],
    attachments: [],
    reactions: [],
    sentAt: new Date(changes.seq).toISOString(),
    editedAt: null,
    deleted: false,
    erased: false,
    ...changes,
  };
  const { conversationId, messageId, revision } = whole;
  return { op: "message", conversationId, messageId, revision, message: whole };
};

const member = (userId: string, revision: number, leftAt: string | null = null): Change => ({
  op: "member",
  conversationId: "tea",
  userId,
  revision,
  member: { userId, role: "member", displayName: userId, joinedAt: null, leftAt },
});
const receipt = (userId: string, delivered: number, read: number): Change => ({
  op: "receipt",
  conversationId: "tea",
  userId,
  delivered,
  read,
});
const unread = (count: number, mentions = 0): Change => ({
  op: "unread",
  conversationId: "tea",
  unread: count,
  mentions,
});
const user = (userId: string, revision: number, erased = false): Change => ({
  op: "user",
  userId,
  displayName: erased ? null : userId,
  avatar: null,
  erased,
  revision,
});
const left: Change = { op: "left", conversationId: "tea" };

const ada = emptyState("ada");
const holding = (...changes: Change[]): ClientState => applyAll(ada, changes);
const tea = (state: ClientState) => state.conversations.get("tea");
const texts = (state: ClientState) => [...(tea(state)?.messages.values() ?? [])].map(({ text }) => text);

describe("a conversation on a device", () => {
  test("comes first; what is said of an unknown one is passed over", () => {
    expect(holding(message({ seq: 1 }), member("bo", 1), unread(3)).conversations.size).toBe(0);
  });

  test("keeps the highest revision, and of equal ones the later", () => {
    const named = (name: string, revision: number) => conversation({ name, revision });
    expect(tea(holding(named("Tea", 2), named("Coffee", 1)))?.conversation.name).toBe("Tea");
    expect(tea(holding(named("Tea", 2), named("Coffee", 2)))?.conversation.name).toBe("Coffee");
  });

  test("keeps the last message that it has where it comes again without one, also one of the first revision", () => {
    const state = holding(conversation(), message({ seq: 3, revision: 0 }), conversation({ revision: 9, lastSeq: 3 }));
    expect(tea(state)?.conversation.lastMessage?.messageId).toBe("m3");
  });

  test("is dropped whole when it is left, and starts anew when it comes again", () => {
    const again = holding(conversation(), message({ seq: 1 }), left, conversation({ revision: 0 }));
    expect(texts(again)).toEqual([]);
    expect(holding(conversation(), left).conversations.size).toBe(0);
  });

  test("comes again with numbers that count up to its lastSeq: messages up to there add none", () => {
    const again = conversation({ revision: 9, name: "Coffee", lastSeq: 2, unread: 2 });
    const state = holding(conversation(), message({ seq: 1 }), again);
    expect(tea(state)?.conversation).toMatchObject({ name: "Coffee", lastSeq: 2, unread: 2 });
    expect(tea(apply(state, message({ seq: 2 })))?.conversation.unread).toBe(2);
    expect(tea(apply(state, message({ seq: 3 })))?.conversation.unread).toBe(3);
  });

  test("comes again behind the messages held: those count", () => {
    const again = conversation({ revision: 9, name: "Coffee", lastSeq: 0, unread: 0 });
    const state = holding(conversation(), message({ seq: 1 }), again);
    expect(tea(state)?.conversation).toMatchObject({ name: "Coffee", lastSeq: 1, unread: 1 });
  });

  test("the last message and the order of the inbox follow from messages", () => {
    const state = applyAll(ada, [conversation({ conversationId: "walk" }), conversation()], 5);
    expect(inbox(state).map((held) => held.conversation.conversationId)).toEqual(["walk", "tea"]);
    const moved = applyAll(state, [message({ seq: 1 })], 6);
    expect(inbox(moved).map((held) => held.conversation.conversationId)).toEqual(["tea", "walk"]);
    expect(tea(moved)?.conversation).toMatchObject({ lastSeq: 1, lastMessage: { text: "text 1" } });
    const edited = apply(moved, message({ seq: 1, revision: 7, text: "edited" }));
    expect(tea(edited)?.conversation.lastMessage?.text).toBe("edited");
  });

  test("those who left are no members, and an older word of theirs does not bring them back", () => {
    const held = tea(
      holding(conversation(), member("bo", 1), member("bo", 5, "2026-01-01T00:00:00.000Z"), member("bo", 1)),
    );
    expect(held && membersOf(held)).toEqual([]);
  });
});

describe("unread numbers", () => {
  test("another's new message adds one, and one to mentions where it names me", () => {
    const state = holding(conversation({ lastSeq: 4, unread: 2 }), message({ seq: 5, mentions: ["ada"] }));
    expect(tea(state)?.conversation).toMatchObject({ unread: 3, mentions: 1 });
  });

  test("a message known already, an old one or an edit adds nothing", () => {
    const first = holding(conversation({ lastSeq: 4, unread: 2 }), message({ seq: 5 }));
    const state = applyAll(first, [message({ seq: 5 }), message({ seq: 3 }), message({ seq: 5, revision: 9 })]);
    expect(tea(state)?.conversation.unread).toBe(3);
  });

  test("the server's absolute numbers win", () => {
    expect(tea(holding(conversation(), message({ seq: 1 }), unread(0)))?.conversation.unread).toBe(0);
  });

  test("one's own message reads all before it", () => {
    const state = holding(conversation(), message({ seq: 1 }), message({ seq: 2, senderId: "ada" }));
    expect(tea(state)?.conversation).toMatchObject({ unread: 0, read: 2, delivered: 2 });
  });

  test("history that is fetched counts nothing as new", () => {
    const state = holding(conversation({ lastSeq: 4, unread: 2 }));
    const merged = mergeHistory(state, "tea", [message({ seq: 3 }).message, message({ seq: 4 }).message]);
    expect(tea(merged)?.conversation).toMatchObject({ unread: 2, lastSeq: 4 });
    expect(texts(merged)).toEqual(["text 3", "text 4"]);
  });
});

describe("marks", () => {
  test("only rise, reading raises delivered, and a message raises its sender's", () => {
    const state = holding(
      conversation(),
      receipt("bo", 5, 3),
      receipt("bo", 4, 4),
      message({ seq: 7, senderId: "cy" }),
    );
    expect(tea(state)?.marks.get("bo")).toEqual({ delivered: 5, read: 4 });
    expect(tea(state)?.marks.get("cy")).toEqual({ delivered: 7, read: 7 });
    expect(tea(holding(conversation(), receipt("bo", 0, 6)))?.marks.get("bo")).toEqual({ delivered: 6, read: 6 });
  });
});

describe("what is erased", () => {
  const said = [conversation(), message({ seq: 1 }), message({ seq: 2, senderId: "cy" })];

  test("an erased person's messages are blank, others' stay", () => {
    const state = holding(...said, user("bo", 9, true));
    expect(texts(state)).toEqual([null, "text 2"]);
    expect(tea(state)?.messages.get("m1")).toMatchObject({ deleted: true, erased: true });
  });

  test("an older copy that comes late stays blank, from the feed as from history", () => {
    const erased = holding(conversation(), user("bo", 9, true));
    expect(texts(apply(erased, message({ seq: 1 })))).toEqual([null]);
    expect(texts(mergeHistory(erased, "tea", [message({ seq: 1 }).message]))).toEqual([null]);
  });

  test("what is past retention is blank, in the inbox too", () => {
    const state = holding(...said, conversation({ revision: 5, expiredTo: 1 }));
    expect(texts(state)).toEqual([null, "text 2"]);
    const only = holding(conversation({ lastSeq: 1, lastMessage: message({ seq: 1 }).message, expiredTo: 1 }));
    expect(tea(only)?.conversation.lastMessage?.text).toBeNull();
  });
});

test("a missing seq below the highest held is a gap, from firstSeq on", () => {
  const held = tea(holding(conversation({ firstSeq: 3, lastSeq: 9 }), message({ seq: 5 }), message({ seq: 8 })));
  expect(held && gaps(held)).toEqual([
    { from: 3, to: 4 },
    { from: 6, to: 7 },
    { from: 9, to: 9 },
  ]);
});

const people = fc.constantFrom("ada", "bo", "cy");
const seqs = fc.integer({ min: 1, max: 9 });
const revisions = fc.integer({ min: 0, max: 6 });
const messageChange = fc
  .record({ seq: seqs, revision: revisions, deleted: fc.boolean(), mentioned: fc.boolean() })
  .map(({ seq, revision, deleted, mentioned }) =>
    message({
      seq,
      revision,
      // One author for a seq, and one content for a revision, as in a log.
      senderId: ["ada", "bo", "cy"][seq % 3] ?? "bo",
      text: deleted && revision > 3 ? null : `text ${seq} ${revision}`,
      deleted: deleted && revision > 3,
      mentions: mentioned ? ["ada"] : [],
    }),
  );
const anyChange: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: messageChange },
  fc.record({ userId: people, delivered: seqs, read: seqs }).map((r) => receipt(r.userId, r.delivered, r.read)),
  fc
    .record({ userId: people, revision: revisions, gone: fc.boolean() })
    .map((m) => member(m.userId, m.revision, m.gone ? "2026-01-01T00:00:00.000Z" : null)),
  fc
    .record({ revision: revisions, name: fc.string(), lastSeq: fc.constantFrom(0, 3), unread: fc.constantFrom(0, 2) })
    .map((c) => conversation(c)),
  fc.record({ userId: people, revision: revisions }).map((u) => user(u.userId, u.revision, u.revision > 4)),
  fc.record({ count: seqs, mentions: seqs }).map((u) => unread(u.count, u.mentions)),
  fc.constant(left),
);
/** As the server promises: after a `left`, nothing of that conversation until it comes anew. */
const history = fc.array(anyChange, { maxLength: 40 }).map((changes) => {
  let member = true;
  return changes.filter((change) => {
    if (change.op === "conversation") member = true;
    const keep = member || change.op === "user";
    if (change.op === "left") member = false;
    return keep;
  });
});
/** As the server ends each catch-up. */
const closing = unread(4, 2);

const canonical = (state: ClientState) => {
  const { users, conversations, activities: _activities, ...rest } = plainOf(state);
  const sorted = <Item>(items: readonly Item[]) => items.map((item) => JSON.stringify(item)).sort();
  return {
    ...rest,
    users: sorted(users),
    conversations: conversations.map(({ activity: _activity, ...held }) => ({
      ...held,
      members: sorted(held.members),
      marks: sorted(held.marks),
    })),
  };
};

describe("laws", () => {
  test("applying changes twice, or any end of them again, equals once", () =>
    fc.assert(
      fc.property(history, fc.nat(), (changes, from) => {
        const whole = [conversation(), ...changes, closing];
        const once = holding(...whole);
        expect(canonical(applyAll(once, whole))).toEqual(canonical(once));
        expect(canonical(applyAll(once, whole.slice(from % whole.length)))).toEqual(canonical(once));
      }),
      { numRuns: 500 },
    ));

  test("one by one equals all at once, and the state before is never touched", () =>
    fc.assert(
      fc.property(history, (changes) => {
        const start = holding(conversation(), message({ seq: 1 }));
        const before = JSON.stringify(plainOf(start));
        const stepwise = changes.reduce((state, change) => apply(state, change), start);
        expect(canonical(stepwise)).toEqual(canonical(applyAll(start, changes)));
        expect(JSON.stringify(plainOf(start))).toBe(before);
      }),
    ));

  test("of messages, marks and people the order does not matter", () =>
    fc.assert(
      fc.property(
        fc.uniqueArray(messageChange, {
          maxLength: 30,
          selector: ({ message: { seq, revision } }) => `${seq} ${revision}`,
        }),
        fc.array(fc.record({ userId: people, delivered: seqs, read: seqs }), { maxLength: 10 }),
        fc.boolean(),
        fc.infiniteStream(fc.nat()),
        (messages, marks, erased, ranks) => {
          const changes: Change[] = [
            ...messages,
            ...marks.map(({ userId, delivered, read }) => receipt(userId, delivered, read)),
            user("bo", 3, erased),
          ];
          const rank = new Map(changes.map((change) => [change, ranks.next().value ?? 0]));
          const shuffled = [...changes].sort((one, other) => (rank.get(one) ?? 0) - (rank.get(other) ?? 0));
          const seen = (state: ClientState) => {
            const held = tea(state);
            return {
              messages: held && messagesOf(held),
              marks: held && [...held.marks].sort(),
              last: held?.conversation.lastMessage,
            };
          };
          expect(seen(holding(conversation(), ...shuffled))).toEqual(seen(holding(conversation(), ...changes)));
        },
      ),
    ));

  test("what is stored comes back as it was", () =>
    fc.assert(
      fc.property(history, (changes) => {
        const state = holding(conversation(), ...changes);
        expect(stateOf(JSON.parse(JSON.stringify(plainOf(state))))).toEqual(state);
      }),
    ));
});
