import { describe, test } from "vitest";
import { AcknowledgementRequested, MemberAdded, MessageAcknowledged } from "../../domain/conversation/events.ts";
import { given, NOW } from "../../test/support/given.ts";
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
  said,
  zoe,
} from "../../test/support/lunch.ts";
import { AcknowledgeMessage } from "./acknowledgeMessage.ts";

const ack = { conversationId, messageId };
/** Cy asks for it by nine; it is eight. */
const asked = (ackBy = "2026-11-21T09:00:00.000Z") =>
  AcknowledgementRequested({ target: messageId, seq: 1, authorId: cy, ackBy, escalateTo: [bo] });
const by = (userId: string) => MessageAcknowledged({ target: messageId, seq: 1, userId, at: NOW.toISOString() });

describe("AcknowledgeMessage", () => {
  test.each([ada, bo, gus])("is for every member, guests and those who are told, too", (userId) =>
    given(...lunch, said(), asked())
      .when(AcknowledgeMessage, ack, userId)
      .thenEvents(by(userId)),
  );

  test("happens once for each person", () =>
    given(...lunch, said(), asked(), by(ada))
      .when(AcknowledgeMessage, ack, ada)
      .thenUnchanged(8));

  test("is taken late, too", () =>
    given(...lunch, said(), asked("2026-11-20T12:30:00.000Z"))
      .when(AcknowledgeMessage, ack, ada)
      .thenEvents(by(ada)));

  test("is not its author's", () =>
    given(...lunch, said(), asked())
      .when(AcknowledgeMessage, ack, cy)
      .thenRejected("forbidden"));

  test("is of a message that asks for it, and stands", () => {
    given(...lunch, said())
      .when(AcknowledgeMessage, ack, ada)
      .thenRejected("conflict");
    given(...lunch, said(), asked(), deleted())
      .when(AcknowledgeMessage, ack, ada)
      .thenRejected("gone");
  });

  test("finds nothing for strangers, former members and those who do not see the message", () => {
    for (const history of [
      [...lunch, said(), asked()],
      [...lunch, said(), asked(), MemberAdded({ userId: zoe, role: "member", afterSeq: 1 })],
      [...lunch, said(), asked(), MemberAdded({ userId: zoe, role: "member", afterSeq: 1 }), left(zoe, 1)],
    ])
      given(...history)
        .when(AcknowledgeMessage, ack, zoe)
        .thenRejected("not-found");
  });
});
