import { describe, expect, test } from "vitest";
import { MemberAdded, ReactionRemoved } from "../../domain/conversation/events.ts";
import { given } from "../../test/support/given.ts";
import {
  ada,
  conversationId,
  cy,
  deleted,
  gus,
  left,
  lunch,
  messageId,
  reacted,
  said,
  zoe,
} from "../../test/support/lunch.ts";
import { AddReaction } from "./addReaction.ts";

const react = { conversationId, messageId, emoji: "👍" };
const twenty = Array.from({ length: 20 }, (_, kind) => reacted(ada, `:kind${kind}:`));

describe("AddReaction", () => {
  test.each([ada, cy, gus])("is for every member, to one's own messages, too", (userId) =>
    given(...lunch, said())
      .when(AddReaction, react, userId)
      .thenEvents(reacted(userId)),
  );

  test("happens once for each emoji and person", () => {
    given(...lunch, said(), reacted(ada))
      .when(AddReaction, react, ada)
      .thenUnchanged(7);
    given(...lunch, said(), reacted(ada))
      .when(AddReaction, react, cy)
      .thenEvents(reacted(cy));
    given(...lunch, said(), reacted(ada))
      .when(AddReaction, { ...react, emoji: "🎉" }, ada)
      .thenAccepted();
  });

  test("can be given again after it was taken back", () =>
    given(...lunch, said(), reacted(ada), ReactionRemoved({ target: messageId, seq: 1, emoji: "👍", userId: ada }))
      .when(AddReaction, react, ada)
      .thenEvents(reacted(ada)));

  test("is of at most 20 kinds to a message; one that is there anybody may give", () => {
    given(...lunch, said(), ...twenty)
      .when(AddReaction, react, cy)
      .thenRejected("conflict");
    given(...lunch, said(), ...twenty.slice(1))
      .when(AddReaction, react, cy)
      .thenAccepted();
    given(...lunch, said(), ...twenty)
      .when(AddReaction, { ...react, emoji: ":kind7:" }, cy)
      .thenAccepted();
    given(...lunch, said(), ...twenty, ReactionRemoved({ target: messageId, seq: 1, emoji: ":kind7:", userId: ada }))
      .when(AddReaction, react, cy)
      .thenAccepted();
  });

  test("is not to a deleted message", () =>
    given(...lunch, said(), deleted())
      .when(AddReaction, react, ada)
      .thenRejected("gone"));

  test("finds no message that is not there, or that one does not see", () => {
    given(...lunch)
      .when(AddReaction, react, ada)
      .thenRejected("not-found");
    given(...lunch, said(), MemberAdded({ userId: zoe, role: "member", afterSeq: 1 }))
      .when(AddReaction, react, zoe)
      .thenRejected("not-found");
  });

  test("tells strangers and former members nothing", () => {
    given(...lunch, said())
      .when(AddReaction, react, zoe)
      .thenRejected("not-found");
    given(...lunch, said(), left(cy, 1))
      .when(AddReaction, react, cy)
      .thenRejected("not-found");
  });

  test.each(["👍", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "❤️", "1️⃣", ":party_parrot:", ":+1:", "a"])("takes %s", (emoji) =>
    expect(AddReaction.payload.safeParse({ ...react, emoji }).success).toBe(true),
  );

  test.each([
    "",
    " ",
    "👍👍",
    "hello",
    "::",
    ":two words:",
    "\u0000",
    "\u200d",
    `:${"x".repeat(31)}:`,
    `e${"\u0301".repeat(20)}`,
  ])("takes no %j", (emoji) => expect(AddReaction.payload.safeParse({ ...react, emoji }).success).toBe(false));
});
