import { describe, expect, test } from "vitest";
import { MemberAdded } from "../../domain/conversation/events.ts";
import { given } from "../../test/support/given.ts";
import {
  ada,
  bo,
  conversationId,
  cy,
  deleted,
  edited,
  gus,
  left,
  lunch,
  messageId,
  reacted,
  said,
  zoe,
} from "../../test/support/lunch.ts";
import { EditMessage } from "./editMessage.ts";

const edit = { conversationId, messageId, text: "at six" };
/** Cy's message stands at revision 6. */
const cySaid = [...lunch, said()] as const;

describe("EditMessage", () => {
  test("gives one's own message another text, sealed where the first one is", () =>
    given(...cySaid)
      .when(EditMessage, edit, cy)
      .thenEvents(edited("at six")));

  test("is a guest's for what the guest wrote", () =>
    given(...lunch, said({ authorId: gus }))
      .when(EditMessage, edit, gus)
      .thenEvents(edited("at six", { authorId: gus })));

  test.each([ada, bo, gus])("is for the author alone, not even the owner", (userId) =>
    given(...cySaid)
      .when(EditMessage, edit, userId)
      .thenRejected("forbidden"),
  );

  test("tells strangers and former members nothing", () => {
    given(...cySaid)
      .when(EditMessage, edit, zoe)
      .thenRejected("not-found");
    given(...cySaid, left(cy, 1))
      .when(EditMessage, edit, cy)
      .thenRejected("not-found");
  });

  test("is still the author's who left and came back", () =>
    given(...cySaid, left(cy, 1), MemberAdded({ userId: cy, role: "member", afterSeq: 1 }))
      .when(EditMessage, edit, cy)
      .thenAccepted());

  test("finds no message that is not there, or that one does not see", () => {
    given(...lunch)
      .when(EditMessage, edit, cy)
      .thenRejected("not-found");
    given(...cySaid, MemberAdded({ userId: zoe, role: "member", afterSeq: 1 }))
      .when(EditMessage, edit, zoe)
      .thenRejected("not-found");
  });

  test("does not bring a deleted message back: it is gone, whoever asks and whatever was expected", () => {
    given(...cySaid, deleted())
      .when(EditMessage, edit, cy)
      .thenRejected("gone");
    given(...cySaid, deleted())
      .when(EditMessage, { ...edit, ifMatch: 0 }, cy)
      .thenRejected("gone");
    given(...cySaid, deleted())
      .when(EditMessage, { ...edit, text: "" }, ada)
      .thenRejected("gone");
  });

  test("changes nothing where the text is equal, and says what made it so", () => {
    given(...cySaid)
      .when(EditMessage, { ...edit, text: "at five" }, cy)
      .thenUnchanged(6);
    given(...cySaid, edited("at six"))
      .when(EditMessage, edit, cy)
      .thenUnchanged(7);
    given(...cySaid, edited("at six"))
      .when(EditMessage, { ...edit, text: "at five" }, cy)
      .thenEvents(edited("at five"));
  });

  test("is refused if an edit came after the revision that was seen", () => {
    const history = [...cySaid, edited("at seven")];
    given(...history)
      .when(EditMessage, { ...edit, ifMatch: 6 }, cy)
      .thenRejected("conflict");
    given(...history)
      .when(EditMessage, { ...edit, ifMatch: 7 }, cy)
      .thenEvents(edited("at six"));
    given(...cySaid, reacted(ada))
      .when(EditMessage, { ...edit, ifMatch: 6 }, cy)
      .thenEvents(edited("at six"));
    given(...cySaid)
      .when(EditMessage, { ...edit, ifMatch: 0 }, cy)
      .thenEvents(edited("at six"));
  });

  test("leaves the mentions as they were where none are named, whoever left since", () =>
    given(...lunch, said({ mentions: [ada, bo] }), left(bo, 1))
      .when(EditMessage, edit, cy)
      .thenEvents(edited("at six", { mentions: [ada, bo] })));

  test("mentions others, each once, and nobody where the list is empty", () => {
    given(...lunch, said({ mentions: [ada] }))
      .when(EditMessage, { ...edit, mentions: [bo, bo] }, cy)
      .thenEvents(edited("at six", { mentions: [bo] }));
    given(...lunch, said({ mentions: [ada] }))
      .when(EditMessage, { ...edit, mentions: [] }, cy)
      .thenEvents(edited("at six"));
  });

  test("is an edit where only the mentions differ", () =>
    given(...cySaid)
      .when(EditMessage, { ...edit, text: "at five", mentions: [ada] }, cy)
      .thenEvents(edited("at five", { mentions: [ada] })));

  test("mentions nobody who is not a member now", () =>
    given(...cySaid, left(bo, 1))
      .when(EditMessage, { ...edit, mentions: [bo] }, cy)
      .thenRejected("validation-failed"));

  test("says whether there is a link in the text now", () => {
    given(...cySaid)
      .when(EditMessage, { ...edit, text: "https://example.org" }, cy)
      .thenEvents(edited("https://example.org", { hasLink: true }));
    given(...lunch, said({ hasLink: true }))
      .when(EditMessage, edit, cy)
      .thenEvents(edited("at six"));
  });

  test.each(["", " \n "])("leaves something to read: not %j", (text) =>
    given(...cySaid)
      .when(EditMessage, { ...edit, text }, cy)
      .thenRejected("validation-failed"),
  );

  test("is not of encrypted messages", () =>
    given(...lunch, said({ kind: "encrypted" }))
      .when(EditMessage, edit, cy)
      .thenRejected("validation-failed"));

  test("takes as much text as a message does, and is too large with more", () => {
    expect(EditMessage.payload.safeParse({ ...edit, text: "x".repeat(16_384) }).success).toBe(true);
    expect(EditMessage.payload.safeParse({ ...edit, text: "x".repeat(16_385) }).error?.issues).toMatchObject([
      { code: "custom", params: { code: "too-large" } },
    ]);
  });
});
