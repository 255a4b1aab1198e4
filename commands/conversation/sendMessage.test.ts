import { describe, expect, test } from "vitest";
import { HistoryVisibilityChanged, MemberAdded, MessageSent } from "../../domain/conversation/events.ts";
import { given, NOW } from "../../test/support/given.ts";
import {
  ada,
  bo,
  conversationId,
  cy,
  deleted,
  direct,
  gus,
  left,
  lunch,
  messageId,
  replyId,
  said,
  zoe,
} from "../../test/support/lunch.ts";
import { SendMessage } from "./sendMessage.ts";

const sentAt = NOW.toISOString();
const hello = { conversationId, messageId, text: "hello" };
const reply = { conversationId, messageId: replyId, text: "why?" };
const facts = { target: messageId, seq: 1, authorId: cy, kind: "text", sentAt } as const;

describe("SendMessage", () => {
  test.each([ada, bo, cy, gus])("is for every member, guests too", (userId) =>
    given(...lunch)
      .when(SendMessage, hello, userId)
      .thenEvents(MessageSent({ ...facts, authorId: userId }, { text: "hello" })),
  );

  test("is for both in a direct conversation", () =>
    given(...direct)
      .when(SendMessage, hello, bo)
      .thenAccepted());

  test("tells strangers and former members nothing", () => {
    given(...lunch)
      .when(SendMessage, hello, zoe)
      .thenRejected("not-found");
    given(...lunch, left(cy))
      .when(SendMessage, hello, cy)
      .thenRejected("not-found");
    given().when(SendMessage, hello, cy).thenRejected("not-found");
  });

  test("gives the next seq, whatever else happened in between", () =>
    given(...lunch, said(), deleted(), left(gus))
      .when(SendMessage, { ...hello, messageId: replyId }, cy)
      .thenEvents(MessageSent({ ...facts, target: replyId, seq: 2 }, { text: "hello" })));

  test("keeps a text code point by code point", () => {
    const text = "  e\u0301 \u200d\u{1f469}\u200d\u{1f680} ";
    given(...lunch)
      .when(SendMessage, { ...hello, text }, cy)
      .thenEvents(MessageSent(facts, { text }));
  });

  test.each([undefined, null, "", " \n\t\u00a0\u3000"])("says something: not %j alone", (text) =>
    given(...lunch)
      .when(SendMessage, { conversationId, messageId, text }, cy)
      .thenRejected("validation-failed"),
  );

  test("takes 16,384 bytes of UTF-8, and is too large with one more", () => {
    const parse = (text: string) => SendMessage.payload.safeParse({ ...hello, text });
    const tooLarge = { code: "custom", params: { code: "too-large" } };
    expect(parse("x".repeat(16_384)).success).toBe(true);
    expect(parse("é".repeat(8_192)).success).toBe(true);
    for (const text of ["x".repeat(16_385), `${"é".repeat(8_192)}x`, "😀".repeat(4_097)])
      expect(parse(text).error?.issues).toMatchObject([tooLarge]);
  });

  test("mentions members, each once, guests too", () =>
    given(...lunch)
      .when(SendMessage, { ...hello, mentions: [ada, gus, ada, cy] }, cy)
      .thenEvents(MessageSent({ ...facts, mentions: [ada, gus, cy] }, { text: "hello" })));

  test("mentions nobody who is not a member now", () => {
    given(...lunch)
      .when(SendMessage, { ...hello, mentions: [zoe] }, cy)
      .thenRejected("validation-failed");
    given(...lunch, left(bo))
      .when(SendMessage, { ...hello, mentions: [bo] }, cy)
      .thenRejected("validation-failed");
  });

  test("mentions at most 100 people, and carries at most 10 files", () => {
    const ids = (length: number) => Array.from({ length }, () => crypto.randomUUID());
    expect(SendMessage.payload.safeParse({ ...hello, mentions: ids(100) }).success).toBe(true);
    expect(SendMessage.payload.safeParse({ ...hello, mentions: ids(101) }).success).toBe(false);
    const attachments = ids(11).map((mediaId) => ({ mediaId }));
    expect(SendMessage.payload.safeParse({ ...hello, attachments }).success).toBe(false);
  });

  test("carries no file that is not one's own upload", () =>
    given(...lunch)
      .when(SendMessage, { ...hello, attachments: [{ mediaId: zoe }] }, cy)
      .thenRejected("not-found"));

  test.each(["see https://example.org/x", "HTTP://example.org"])("says that there is a link in it: %s", (text) =>
    given(...lunch)
      .when(SendMessage, { ...hello, text }, cy)
      .thenEvents(MessageSent({ ...facts, hasLink: true }, { text })),
  );

  test("replies to a message, which stays as it is", () => {
    given(...lunch, said({ authorId: ada }))
      .when(SendMessage, { ...reply, replyTo: messageId }, cy)
      .thenEvents(MessageSent({ ...facts, target: replyId, seq: 2, replyTo: messageId }, { text: "why?" }));
    given(...lunch, said(), deleted())
      .when(SendMessage, { ...reply, replyTo: messageId }, ada)
      .thenAccepted();
  });

  test("opens a thread under a message, and goes on in it", () => {
    const threaded = { ...reply, threadRoot: messageId };
    given(...lunch, said())
      .when(SendMessage, threaded, ada)
      .thenEvents(
        MessageSent({ ...facts, target: replyId, seq: 2, authorId: ada, threadRoot: messageId }, { text: "why?" }),
      );
    given(...lunch, said(), deleted())
      .when(SendMessage, threaded, ada)
      .thenAccepted();
  });

  test("opens no thread under a reply in a thread, but replies to it", () => {
    const history = [...lunch, said(), said({ target: replyId, seq: 2, threadRoot: messageId })];
    const next = { conversationId, messageId: zoe, text: "so" };
    given(...history)
      .when(SendMessage, { ...next, threadRoot: replyId }, ada)
      .thenRejected("not-found");
    given(...history)
      .when(SendMessage, { ...next, threadRoot: messageId, replyTo: replyId }, ada)
      .thenAccepted();
  });

  test("opens a thread under what only replies", () =>
    given(...lunch, said(), said({ target: replyId, seq: 2, replyTo: messageId }))
      .when(SendMessage, { conversationId, messageId: zoe, text: "so", threadRoot: replyId }, ada)
      .thenAccepted());

  test.each(["replyTo", "threadRoot"] as const)("has as %s no message that is not there or not seen", (relation) => {
    const related = { ...reply, [relation]: messageId };
    given(...lunch)
      .when(SendMessage, related, cy)
      .thenRejected("not-found");
    const joinedLater = [...lunch, said(), MemberAdded({ userId: zoe, role: "member", afterSeq: 1 })];
    given(...joinedLater)
      .when(SendMessage, related, zoe)
      .thenRejected("not-found");
    given(...joinedLater, HistoryVisibilityChanged({ historyVisibility: "all" }))
      .when(SendMessage, related, zoe)
      .thenAccepted();
  });

  test("takes null for no reply, as it takes nothing", () =>
    given(...lunch)
      .when(SendMessage, { ...hello, replyTo: null, threadRoot: null }, cy)
      .thenEvents(MessageSent(facts, { text: "hello" })));

  test("carries what ends encrypted, unread, and nothing beside it", () => {
    const secret = { conversationId, messageId, kind: "encrypted", ciphertext: "AAEC", keyInfo: { v: 1 } } as const;
    given(...lunch)
      .when(SendMessage, secret, cy)
      .thenEvents(MessageSent({ ...facts, kind: "encrypted" }, { text: null, ciphertext: "AAEC", keyInfo: { v: 1 } }));
    given(...lunch)
      .when(SendMessage, { ...secret, text: "hello" }, cy)
      .thenRejected("validation-failed");
    given(...lunch)
      .when(SendMessage, { conversationId, messageId, kind: "encrypted" }, cy)
      .thenRejected("validation-failed");
    given(...lunch)
      .when(SendMessage, { ...hello, ciphertext: "AAEC" }, cy)
      .thenRejected("validation-failed");
    given(...lunch)
      .when(SendMessage, { ...hello, keyInfo: 1 }, cy)
      .thenRejected("validation-failed");
  });

  test("carries at most 24 KiB of ciphertext, in base64 with padding, and not none", () => {
    const parse = (ciphertext: string) =>
      SendMessage.payload.safeParse({ conversationId, messageId, kind: "encrypted", ciphertext }).success;
    expect(parse(Buffer.alloc(24 * 1024).toString("base64"))).toBe(true);
    for (const wrong of [Buffer.alloc(24 * 1024 + 1).toString("base64"), "", "AAE", "AA-_", "no base64"])
      expect(parse(wrong)).toBe(false);
  });

  test("is of no kind that only the server makes, and has no field that is not known", () => {
    for (const wrong of [{ kind: "system" }, { colour: "red" }, { messageId: "1" }, { seq: 1 }])
      expect(SendMessage.payload.safeParse({ ...hello, ...wrong }).success).toBe(false);
  });

  test("has its message's id as its key, written in either case", () =>
    expect(SendMessage.key?.(SendMessage.payload.parse({ ...hello, messageId: messageId.toUpperCase() }))).toBe(
      messageId,
    ));
});
