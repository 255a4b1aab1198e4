import { describe, test } from "vitest";
import { MemberAdded, MessageDeleted } from "../../domain/conversation/events.ts";
import { given } from "../../test/support/given.ts";
import {
  ada,
  bo,
  conversationId,
  cy,
  deleted,
  gus,
  left,
  lunch,
  messageId,
  replyId,
  said,
  zoe,
} from "../../test/support/lunch.ts";
import { DeleteMessage } from "./deleteMessage.ts";

const remove = { conversationId, messageId };

describe("DeleteMessage", () => {
  test.each([ada, bo, cy])("is for its author, the owner and admins", (userId) =>
    given(...lunch, said())
      .when(DeleteMessage, remove, userId)
      .thenEvents(deleted()),
  );

  test("is not for another member or guest", () => {
    given(...lunch, said())
      .when(DeleteMessage, remove, gus)
      .thenRejected("forbidden");
    given(...lunch, said({ authorId: ada }))
      .when(DeleteMessage, remove, cy)
      .thenRejected("forbidden");
  });

  test("is a guest's for what the guest wrote, and no more for an account marked as guest", () => {
    given(...lunch, said({ authorId: gus }))
      .when(DeleteMessage, remove, gus)
      .thenAccepted();
    given(...lunch, said())
      .when(DeleteMessage, remove, ada, { by: { guest: true } })
      .thenRejected("forbidden");
  });

  test("tells strangers and former members nothing", () => {
    given(...lunch, said())
      .when(DeleteMessage, remove, zoe)
      .thenRejected("not-found");
    given(...lunch, said(), left(cy, 1))
      .when(DeleteMessage, remove, cy)
      .thenRejected("not-found");
  });

  test("finds no message that is not there, or that one does not see, not even an admin", () => {
    given(...lunch)
      .when(DeleteMessage, remove, cy)
      .thenRejected("not-found");
    given(...lunch, said(), MemberAdded({ userId: zoe, role: "admin", afterSeq: 1 }))
      .when(DeleteMessage, remove, zoe)
      .thenRejected("not-found");
  });

  test("happens once", () =>
    given(...lunch, said(), deleted())
      .when(DeleteMessage, remove, ada)
      .thenUnchanged(7));

  test("tells the thread that a reply is gone", () =>
    given(...lunch, said({ target: replyId }), said({ seq: 2, threadRoot: replyId }))
      .when(DeleteMessage, remove, cy)
      .thenEvents(MessageDeleted({ target: messageId, seq: 2, authorId: cy, threadRoot: replyId })));
});
