import { describe, test } from "vitest";
import { MemberAdded } from "../../domain/conversation/events.ts";
import { given } from "../../test/support/given.ts";
import { ada, bo, conversationId, cy, direct, gus, left, lunch, said, zoe } from "../../test/support/lunch.ts";
import { AddMember } from "./addMember.ts";

const accounts = { [ada]: {}, [bo]: {}, [cy]: {}, [gus]: { guest: true }, [zoe]: {} };
const add = { conversationId, userId: zoe };

describe("AddMember", () => {
  test.each([ada, bo])("is for the owner and admins; who is added is a member", (userId) =>
    given(...lunch)
      .when(AddMember, add, userId, { accounts })
      .thenEvents(MemberAdded({ userId: zoe, role: "member", afterSeq: 0 })),
  );

  test.each([cy, gus])("is not for members and guests", (userId) =>
    given(...lunch)
      .when(AddMember, add, userId, { accounts })
      .thenRejected("forbidden"),
  );

  test("is not for an account marked as guest, whatever its role", () =>
    given(...lunch)
      .when(AddMember, add, ada, { accounts, by: { guest: true } })
      .thenRejected("forbidden"));

  test("tells strangers and former members nothing", () => {
    given(...lunch)
      .when(AddMember, add, zoe, { accounts })
      .thenRejected("not-found");
    given(...lunch, left(bo))
      .when(AddMember, add, bo, { accounts })
      .thenRejected("not-found");
    given().when(AddMember, add, ada, { accounts }).thenRejected("not-found");
  });

  test("begins a membership after the last message", () =>
    given(...lunch, said())
      .when(AddMember, add, ada, { accounts })
      .thenEvents(MemberAdded({ userId: zoe, role: "member", afterSeq: 1 })));

  test("gives up to one's own role: an owner makes owners, an admin admins", () => {
    given(...lunch)
      .when(AddMember, { ...add, role: "owner" }, ada, { accounts })
      .thenEvents(MemberAdded({ userId: zoe, role: "owner", afterSeq: 0 }));
    given(...lunch)
      .when(AddMember, { ...add, role: "admin" }, bo, { accounts })
      .thenEvents(MemberAdded({ userId: zoe, role: "admin", afterSeq: 0 }));
    given(...lunch)
      .when(AddMember, { ...add, role: "owner" }, bo, { accounts })
      .thenRejected("forbidden");
  });

  test("takes a guest account in as guest, whatever role is asked for", () => {
    const guest = { accounts: { ...accounts, [zoe]: { guest: true } } };
    for (const role of ["owner", "member", "guest"] as const)
      given(...lunch)
        .when(AddMember, { ...add, role }, bo, guest)
        .thenEvents(MemberAdded({ userId: zoe, role: "guest", afterSeq: 0 }));
  });

  test("adds nobody who is unknown, deactivated or erased", () => {
    for (const standing of [{}, { [zoe]: { deactivated: true } }, { [zoe]: { erased: true } }])
      given(...lunch)
        .when(AddMember, add, ada, { accounts: standing })
        .thenRejected("not-found");
  });

  test("tells whoever may not add nothing of whether the account is there", () =>
    given(...lunch)
      .when(AddMember, add, cy)
      .thenRejected("forbidden"));

  test("adds nobody twice", () => {
    given(...lunch)
      .when(AddMember, { conversationId, userId: cy }, ada, { accounts })
      .thenUnchanged(4);
    given(...lunch)
      .when(AddMember, { conversationId, userId: cy, role: "member" }, ada, { accounts })
      .thenUnchanged(4);
  });

  test("does not change the role of somebody who is there", () =>
    given(...lunch)
      .when(AddMember, { conversationId, userId: cy, role: "admin" }, ada, { accounts })
      .thenRejected("conflict"));

  test("brings somebody back who left", () =>
    given(...lunch, left(cy), said())
      .when(AddMember, { conversationId, userId: cy }, ada, { accounts })
      .thenEvents(MemberAdded({ userId: cy, role: "member", afterSeq: 1 })));

  test("adds no more than a group may have, but still says who is there", () => {
    given(...lunch)
      .when(AddMember, add, ada, { accounts, groupMembers: 4 })
      .thenRejected("conflict");
    given(...lunch)
      .when(AddMember, add, ada, { accounts, groupMembers: 5 })
      .thenAccepted();
    given(...lunch)
      .when(AddMember, { conversationId, userId: cy }, ada, { accounts, groupMembers: 4 })
      .thenUnchanged(4);
  });

  test("never changes who is in a direct conversation", () =>
    given(...direct)
      .when(AddMember, add, ada, { accounts })
      .thenRejected("conflict"));
});
