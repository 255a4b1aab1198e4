import { describe, test } from "vitest";
import { MemberRemoved, MemberRoleChanged } from "../../domain/conversation/events.ts";
import { given } from "../../test/support/given.ts";
import { ada, bo, conversationId, cy, direct, gus, left, lunch, said, zoe } from "../../test/support/lunch.ts";
import { RemoveMember } from "./removeMember.ts";

const remove = (userId: string) => ({ conversationId, userId });

describe("RemoveMember", () => {
  test.each([ada, bo])("is for the owner and admins, and ends a membership with the last message", (userId) =>
    given(...lunch, said())
      .when(RemoveMember, remove(cy), userId)
      .thenEvents(MemberRemoved({ userId: cy, lastSeq: 1 })),
  );

  test.each([cy, gus])("is not for members and guests", (userId) =>
    given(...lunch)
      .when(RemoveMember, remove(bo), userId)
      .thenRejected("forbidden"),
  );

  test.each([bo, cy, gus])("lets everybody leave", (userId) =>
    given(...lunch)
      .when(RemoveMember, remove(userId), userId)
      .thenEvents(MemberRemoved({ userId, lastSeq: 0 })),
  );

  test("lets an account marked as guest leave, and remove nobody else", () => {
    given(...lunch)
      .when(RemoveMember, remove(bo), bo, { by: { guest: true } })
      .thenAccepted();
    given(...lunch)
      .when(RemoveMember, remove(cy), bo, { by: { guest: true } })
      .thenRejected("forbidden");
  });

  test("lets no last owner go without a successor, not even alone", () => {
    given(...lunch)
      .when(RemoveMember, remove(ada), ada)
      .thenRejected("conflict");
    given(...lunch.slice(0, 3))
      .when(RemoveMember, remove(ada), ada)
      .thenRejected("conflict");
    given(...lunch, MemberRoleChanged({ userId: cy, role: "owner" }))
      .when(RemoveMember, remove(ada), ada)
      .thenEvents(MemberRemoved({ userId: ada, lastSeq: 0 }));
  });

  test("does not take somebody whose account is shut for a successor", () => {
    const two = [...lunch, MemberRoleChanged({ userId: cy, role: "owner" })];
    for (const gone of [{ deactivated: true }, { erased: true }])
      given(...two)
        .when(RemoveMember, remove(ada), ada, { accounts: { [cy]: gone } })
        .thenRejected("conflict");
    given(...two)
      .when(RemoveMember, remove(cy), ada, { accounts: { [cy]: { deactivated: true } } })
      .thenEvents(MemberRemoved({ userId: cy, lastSeq: 0 }));
  });

  test("removes owners only by an owner's hand", () => {
    const two = [...lunch, MemberRoleChanged({ userId: cy, role: "owner" })];
    given(...two)
      .when(RemoveMember, remove(cy), bo)
      .thenRejected("forbidden");
    given(...two)
      .when(RemoveMember, remove(cy), ada)
      .thenEvents(MemberRemoved({ userId: cy, lastSeq: 0 }));
  });

  test("removes nobody who is not there", () => {
    given(...lunch)
      .when(RemoveMember, remove(zoe), ada)
      .thenRejected("not-found");
    given(...lunch, left(cy))
      .when(RemoveMember, remove(cy), ada)
      .thenRejected("not-found");
  });

  test("tells strangers and former members nothing", () => {
    given(...lunch)
      .when(RemoveMember, remove(cy), zoe)
      .thenRejected("not-found");
    given(...lunch)
      .when(RemoveMember, remove(zoe), zoe)
      .thenRejected("not-found");
    given(...lunch, left(bo))
      .when(RemoveMember, remove(cy), bo)
      .thenRejected("not-found");
  });

  test("lets nobody out of a direct conversation", () => {
    given(...direct)
      .when(RemoveMember, remove(ada), ada)
      .thenRejected("conflict");
    given(...direct)
      .when(RemoveMember, remove(bo), ada)
      .thenRejected("conflict");
  });
});
