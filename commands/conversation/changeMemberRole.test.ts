import { describe, test } from "vitest";
import { MemberRoleChanged } from "../../domain/conversation/events.ts";
import { given } from "../../test/support/given.ts";
import { ada, bo, conversationId, cy, direct, gus, left, lunch, zoe } from "../../test/support/lunch.ts";
import { ChangeMemberRole } from "./changeMemberRole.ts";

const promote = { conversationId, userId: cy, role: "admin" } as const;

describe("ChangeMemberRole", () => {
  test.each([ada, bo])("is for the owner and admins", (userId) =>
    given(...lunch)
      .when(ChangeMemberRole, promote, userId)
      .thenEvents(MemberRoleChanged({ userId: cy, role: "admin" })),
  );

  test.each([cy, gus])("is not for members and guests, not even of oneself", (userId) => {
    given(...lunch)
      .when(ChangeMemberRole, promote, userId)
      .thenRejected("forbidden");
    given(...lunch)
      .when(ChangeMemberRole, { ...promote, userId }, userId)
      .thenRejected("forbidden");
  });

  test("is not for an account marked as guest, whatever its role", () =>
    given(...lunch)
      .when(ChangeMemberRole, promote, ada, { by: { guest: true } })
      .thenRejected("forbidden"));

  test("tells strangers and former members nothing", () => {
    given(...lunch)
      .when(ChangeMemberRole, promote, zoe)
      .thenRejected("not-found");
    given(...lunch, left(bo))
      .when(ChangeMemberRole, promote, bo)
      .thenRejected("not-found");
  });

  test("makes owners only by an owner's hand", () => {
    given(...lunch)
      .when(ChangeMemberRole, { ...promote, role: "owner" }, ada)
      .thenEvents(MemberRoleChanged({ userId: cy, role: "owner" }));
    given(...lunch)
      .when(ChangeMemberRole, { ...promote, role: "owner" }, bo)
      .thenRejected("forbidden");
    given(...lunch)
      .when(ChangeMemberRole, { conversationId, userId: bo, role: "owner" }, bo)
      .thenRejected("forbidden");
  });

  test("unmakes owners only by an owner's hand", () => {
    const two = [...lunch, MemberRoleChanged({ userId: cy, role: "owner" })];
    given(...two)
      .when(ChangeMemberRole, { conversationId, userId: ada, role: "member" }, cy)
      .thenEvents(MemberRoleChanged({ userId: ada, role: "member" }));
    given(...two)
      .when(ChangeMemberRole, { conversationId, userId: ada, role: "member" }, bo)
      .thenRejected("forbidden");
  });

  test("leaves the last owner one", () => {
    given(...lunch)
      .when(ChangeMemberRole, { conversationId, userId: ada, role: "admin" }, ada)
      .thenRejected("conflict");
    given(...lunch, MemberRoleChanged({ userId: bo, role: "owner" }), left(bo))
      .when(ChangeMemberRole, { conversationId, userId: ada, role: "admin" }, ada)
      .thenRejected("conflict");
  });

  test("makes nobody an owner, and leaves nobody the only one, whose account is shut", () => {
    const shut = { accounts: { [cy]: { deactivated: true } } };
    given(...lunch)
      .when(ChangeMemberRole, { ...promote, role: "owner" }, ada, shut)
      .thenRejected("conflict");
    given(...lunch, MemberRoleChanged({ userId: cy, role: "owner" }))
      .when(ChangeMemberRole, { conversationId, userId: ada, role: "member" }, ada, shut)
      .thenRejected("conflict");
  });

  test("changes nothing for a role that one has, and says since when", () => {
    given(...lunch)
      .when(ChangeMemberRole, { ...promote, role: "member" }, ada)
      .thenUnchanged(4);
    given(...lunch, MemberRoleChanged({ userId: cy, role: "admin" }))
      .when(ChangeMemberRole, promote, ada)
      .thenUnchanged(6);
  });

  test("is only of members", () =>
    given(...lunch, left(cy))
      .when(ChangeMemberRole, promote, ada)
      .thenRejected("not-found"));

  test("is nothing in a direct conversation", () =>
    given(...direct)
      .when(ChangeMemberRole, { conversationId, userId: bo, role: "admin" }, ada)
      .thenRejected("conflict"));
});
