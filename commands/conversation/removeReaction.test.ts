import { describe, test } from "vitest";
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
import { RemoveReaction } from "./removeReaction.ts";

const unreact = { conversationId, messageId, emoji: "👍" };
const unreacted = (userId: string) => ReactionRemoved({ target: messageId, seq: 1, emoji: "👍", userId });

describe("RemoveReaction", () => {
  test.each([ada, gus])("takes one's own back", (userId) =>
    given(...lunch, said(), reacted(userId))
      .when(RemoveReaction, unreact, userId)
      .thenEvents(unreacted(userId)),
  );

  test("leaves those of others, not even the owner takes them", () =>
    given(...lunch, said(), reacted(cy))
      .when(RemoveReaction, unreact, ada)
      .thenUnchanged(6));

  test("happens once, and is nothing where nothing was", () => {
    given(...lunch, said(), reacted(ada), unreacted(ada), reacted(cy))
      .when(RemoveReaction, unreact, ada)
      .thenUnchanged(8);
    given(...lunch, said())
      .when(RemoveReaction, unreact, ada)
      .thenUnchanged(6);
  });

  test("is not of a deleted message", () =>
    given(...lunch, said(), reacted(ada), deleted())
      .when(RemoveReaction, unreact, ada)
      .thenRejected("gone"));

  test("finds no message that is not there, or that one does not see", () => {
    given(...lunch)
      .when(RemoveReaction, unreact, ada)
      .thenRejected("not-found");
    given(...lunch, said(), MemberAdded({ userId: zoe, role: "member", afterSeq: 1 }))
      .when(RemoveReaction, unreact, zoe)
      .thenRejected("not-found");
  });

  test("tells strangers and former members nothing", () => {
    given(...lunch, said())
      .when(RemoveReaction, unreact, zoe)
      .thenRejected("not-found");
    given(...lunch, said(), reacted(cy), left(cy, 1))
      .when(RemoveReaction, unreact, cy)
      .thenRejected("not-found");
  });
});
