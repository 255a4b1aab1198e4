import { describe, expect, test } from "vitest";
import {
  ConversationDescribed,
  ConversationPictured,
  ConversationRenamed,
  HistoryVisibilityChanged,
} from "../../domain/conversation/events.ts";
import { given } from "../../test/support/given.ts";
import { ada, bo, conversationId, cy, direct, gus, left, lunch, zoe } from "../../test/support/lunch.ts";
import { UpdateConversation } from "./updateConversation.ts";

const rename = { conversationId, name: "tea" };

describe("UpdateConversation", () => {
  test.each([ada, bo])("is for the owner and admins", (userId) =>
    given(...lunch)
      .when(UpdateConversation, rename, userId)
      .thenEvents(ConversationRenamed({}, { name: "tea" })),
  );

  test.each([cy, gus])("is not for members and guests", (userId) =>
    given(...lunch)
      .when(UpdateConversation, rename, userId)
      .thenRejected("forbidden"),
  );

  test("counts an account marked as guest for a guest, whatever its role", () =>
    given(...lunch)
      .when(UpdateConversation, rename, ada, { by: { guest: true } })
      .thenRejected("forbidden"));

  test("tells strangers and former members nothing", () => {
    given(...lunch)
      .when(UpdateConversation, rename, zoe)
      .thenRejected("not-found");
    given(...lunch, left(bo))
      .when(UpdateConversation, rename, bo)
      .thenRejected("not-found");
    given().when(UpdateConversation, rename, ada).thenRejected("not-found");
  });

  test("changes nothing of a direct conversation", () =>
    given(...direct)
      .when(UpdateConversation, rename, ada)
      .thenRejected("conflict"));

  test("changes several things together", () =>
    given(...lunch)
      .when(UpdateConversation, { ...rename, description: "at two", settings: { historyVisibility: "all" } }, ada)
      .thenEvents(
        ConversationRenamed({}, { name: "tea" }),
        ConversationDescribed({}, { description: "at two" }),
        HistoryVisibilityChanged({ historyVisibility: "all" }),
      ));

  test("does not rename to the same name, and says where the name is from", () =>
    given(...lunch)
      .when(UpdateConversation, { conversationId, name: "lunch" }, ada)
      .thenUnchanged(1));

  test("changes nothing where nothing differs, and says what came last of it", () =>
    given(...lunch, ConversationDescribed({}, { description: "at two" }))
      .when(UpdateConversation, { conversationId, name: "lunch", description: "at two", avatar: null }, ada)
      .thenUnchanged(6));

  test("changes nothing where nothing is asked", () =>
    given(...lunch)
      .when(UpdateConversation, { conversationId }, ada)
      .thenUnchanged(0));

  test("takes a description away, once", () => {
    const described = [...lunch, ConversationDescribed({}, { description: "at two" })];
    const nothing = { conversationId, description: null };
    given(...described)
      .when(UpdateConversation, nothing, ada)
      .thenEvents(ConversationDescribed({}, { description: null }));
    given(...lunch)
      .when(UpdateConversation, nothing, ada)
      .thenUnchanged(0);
    given(...described, ConversationDescribed({}, { description: null }))
      .when(UpdateConversation, nothing, ada)
      .thenUnchanged(7);
  });

  test("takes a picture away, and none that is not one's own upload", () => {
    const pictured = [...lunch, ConversationPictured({ avatar: zoe })];
    given(...pictured)
      .when(UpdateConversation, { conversationId, avatar: null }, ada)
      .thenEvents(ConversationPictured({ avatar: null }));
    given(...pictured)
      .when(UpdateConversation, { conversationId, avatar: zoe }, ada)
      .thenUnchanged(6);
    given(...lunch)
      .when(UpdateConversation, { conversationId, avatar: zoe }, ada)
      .thenRejected("not-found");
  });

  test("names again where the name was erased", () =>
    given(...lunch.slice(0, 1), ...lunch.slice(2))
      .when(UpdateConversation, { conversationId, name: "lunch" }, ada)
      .thenEvents(ConversationRenamed({}, { name: "lunch" })));

  test("takes no name of white space alone, no longer one than 256 characters, and no field that is not known", () => {
    for (const wrong of [
      { name: " " },
      { name: "x".repeat(257) },
      { description: "x".repeat(4_097) },
      { colour: "red" },
    ])
      expect(UpdateConversation.payload.safeParse({ conversationId, ...wrong }).success).toBe(false);
  });
});
