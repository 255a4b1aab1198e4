import { describe, expect, test } from "vitest";
import { MemberPreferencesChanged } from "../../domain/conversation/events.ts";
import { given } from "../../test/support/given.ts";
import { ada, conversationId, cy, direct, gus, left, lunch, zoe } from "../../test/support/lunch.ts";
import { SetConversationPreferences } from "./setConversationPreferences.ts";

const mute = { conversationId, notify: "mentions", mutedUntil: "2026-11-22T08:00:00.000Z" } as const;

describe("SetConversationPreferences", () => {
  test.each([ada, cy, gus])("is everybody's for oneself", (userId) =>
    given(...lunch)
      .when(SetConversationPreferences, mute, userId)
      .thenEvents(MemberPreferencesChanged({ userId, notify: "mentions", mutedUntil: mute.mutedUntil })),
  );

  test("is so in a direct conversation, too", () =>
    given(...direct)
      .when(SetConversationPreferences, mute, ada)
      .thenAccepted());

  test("changes nothing where nothing differs: all is notified at first", () => {
    given(...lunch)
      .when(SetConversationPreferences, { conversationId, notify: "all", mutedUntil: null }, cy)
      .thenUnchanged(4);
    given(...lunch, MemberPreferencesChanged({ userId: cy, notify: "mentions", mutedUntil: mute.mutedUntil }))
      .when(SetConversationPreferences, mute, cy)
      .thenUnchanged(6);
  });

  test("tells strangers and former members nothing", () => {
    given(...lunch)
      .when(SetConversationPreferences, mute, zoe)
      .thenRejected("not-found");
    given(...lunch, left(cy))
      .when(SetConversationPreferences, mute, cy)
      .thenRejected("not-found");
  });

  test("takes a time with any offset, and keeps it in UTC to the millisecond", () => {
    const parsed = SetConversationPreferences.payload.parse({ ...mute, mutedUntil: "2026-11-22T09:00:00.1239+01:00" });
    expect(parsed.mutedUntil).toBe("2026-11-22T08:00:00.123Z");
  });

  test.each(["9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59", "tomorrow", "2026-02-30T00:00:00Z"])(
    "takes no time that cannot be kept: %s",
    (mutedUntil) => expect(SetConversationPreferences.payload.safeParse({ ...mute, mutedUntil }).success).toBe(false),
  );
});
