import { describe, expect, test } from "vitest";
import { ConversationCreated, ConversationRenamed, MemberAdded } from "../../domain/conversation/events.ts";
import { given } from "../../test/support/given.ts";
import { ada, bo, cy, direct, gus, lunch, zoe } from "../../test/support/lunch.ts";
import { CreateConversation } from "./createConversation.ts";

const accounts = { [ada]: {}, [bo]: {}, [cy]: {}, [gus]: { guest: true } };
const group = (...members: { userId: string; role?: "owner" | "admin" | "member" | "guest" }[]) => ({
  kind: "group" as const,
  name: "lunch",
  members,
});

describe("CreateConversation, a group", () => {
  test("makes whoever asks its owner, and the others members unless said otherwise", () =>
    given()
      .when(CreateConversation, group({ userId: bo, role: "admin" }, { userId: cy }), ada, { accounts })
      .thenEvents(
        ConversationCreated({ kind: "group", historyVisibility: "joined" }),
        ConversationRenamed({}, { name: "lunch" }),
        MemberAdded({ userId: ada, role: "owner", afterSeq: 0 }),
        MemberAdded({ userId: bo, role: "admin", afterSeq: 0 }),
        MemberAdded({ userId: cy, role: "member", afterSeq: 0 }),
      ));

  test("may have one person alone", () =>
    given()
      .when(CreateConversation, group(), ada, { accounts })
      .thenEvents(
        ConversationCreated({ kind: "group", historyVisibility: "joined" }),
        ConversationRenamed({}, { name: "lunch" }),
        MemberAdded({ userId: ada, role: "owner", afterSeq: 0 }),
      ));

  test("leaves its creator the owner, whatever role the list gives", () =>
    given()
      .when(CreateConversation, group({ userId: ada, role: "guest" }), ada, { accounts })
      .thenEvents(
        ConversationCreated({ kind: "group", historyVisibility: "joined" }),
        ConversationRenamed({}, { name: "lunch" }),
        MemberAdded({ userId: ada, role: "owner", afterSeq: 0 }),
      ));

  test("takes a guest account in as guest, whatever role is asked for", () =>
    given()
      .when(CreateConversation, group({ userId: gus, role: "admin" }), ada, { accounts })
      .thenEvents(
        ConversationCreated({ kind: "group", historyVisibility: "joined" }),
        ConversationRenamed({}, { name: "lunch" }),
        MemberAdded({ userId: ada, role: "owner", afterSeq: 0 }),
        MemberAdded({ userId: gus, role: "guest", afterSeq: 0 }),
      ));

  test("is not for guests", () =>
    given()
      .when(CreateConversation, group(), gus, { accounts, by: { guest: true } })
      .thenRejected("forbidden"));

  test.each([
    ["who is unknown", {}],
    ["who was deactivated", { [zoe]: { deactivated: true } }],
    ["who was erased", { [zoe]: { erased: true } }],
  ])("takes in nobody %s", (_, zoes) =>
    given()
      .when(CreateConversation, group({ userId: bo }, { userId: zoe }), ada, { accounts: { ...accounts, ...zoes } })
      .thenRejected("not-found"),
  );

  test("names nobody twice", () =>
    given()
      .when(CreateConversation, group({ userId: bo }, { userId: bo, role: "admin" }), ada, { accounts })
      .thenRejected("validation-failed"));

  test("has at most as many members as a group may have, its creator among them", () => {
    const two = group({ userId: bo }, { userId: cy });
    given().when(CreateConversation, two, ada, { accounts, groupMembers: 2 }).thenRejected("conflict");
    given().when(CreateConversation, two, ada, { accounts, groupMembers: 3 }).thenAccepted();
  });

  test("names at most 1,024 people in one body", () => {
    const many = (length: number) => group(...Array.from({ length }, () => ({ userId: crypto.randomUUID() })));
    expect(CreateConversation.payload.safeParse(many(1_024)).success).toBe(true);
    expect(CreateConversation.payload.safeParse(many(1_025)).success).toBe(false);
  });

  test("needs a name that is not white space alone, of at most 256 characters", () => {
    for (const name of ["", "  \t", "x".repeat(257)])
      expect(CreateConversation.payload.safeParse({ ...group(), name }).success).toBe(false);
    expect(CreateConversation.payload.safeParse({ ...group(), name: " x ".padEnd(256) }).success).toBe(true);
  });

  test("is not made again under a key that made another", () =>
    given(...lunch)
      .when(CreateConversation, group(), ada, { accounts })
      .thenRejected("conflict"));
});

describe("CreateConversation, a direct one", () => {
  test("takes two people, both plain members, and has no name", () =>
    given()
      .when(CreateConversation, { kind: "direct", userId: bo }, ada, { accounts })
      .thenEvents(...direct));

  test("is there once for a pair, whoever asks", () => {
    for (const [own, other] of [
      [ada, bo],
      [bo, ada],
    ] as const)
      given(...direct)
        .when(CreateConversation, { kind: "direct", userId: other }, own, { accounts })
        .thenUnchanged(2);
  });

  test("has one id for a pair, whoever asks", () => {
    const idFor = (userId: string, other: string) =>
      CreateConversation.id(
        { kind: "direct", userId: other },
        {
          tenant: "main",
          userId,
          deviceId: null,
          roles: [],
          guest: false,
          now: new Date(0),
          correlationId: "",
          commandId: "",
        },
      );
    expect(idFor(ada, bo)).toBe(idFor(bo, ada));
    expect(idFor(ada, bo)).not.toBe(idFor(ada, cy));
  });

  test("stays when the other account was shut", () =>
    given(...direct)
      .when(CreateConversation, { kind: "direct", userId: bo }, ada, { accounts: { [bo]: { deactivated: true } } })
      .thenUnchanged(2));

  test("is not with oneself", () =>
    given()
      .when(CreateConversation, { kind: "direct", userId: ada }, ada, { accounts })
      .thenRejected("validation-failed"));

  test("is not with nobody", () =>
    given().when(CreateConversation, { kind: "direct", userId: zoe }, ada, { accounts }).thenRejected("not-found"));

  test("is not a guest's to open, though a guest may be asked", () => {
    given()
      .when(CreateConversation, { kind: "direct", userId: ada }, gus, { accounts, by: { guest: true } })
      .thenRejected("forbidden");
    given().when(CreateConversation, { kind: "direct", userId: gus }, ada, { accounts }).thenAccepted();
  });
});
