import { describe, test } from "vitest";
import { RolesChanged, TenantFounded } from "../../domain/tenant/events.ts";
import { given } from "../../test/support/given.ts";
import { AppointFirstAdmin } from "./appointFirstAdmin.ts";
import { ChangeRoles } from "./changeRoles.ts";
import { FoundTenant } from "./foundTenant.ts";

const root = crypto.randomUUID();
const ada = crypto.randomUUID();
const tagKeyHash = "ab".repeat(32);
const founded = TenantFounded({ name: "main", tagKeyHash });
const rootIsAdmin = RolesChanged({ userId: root, roles: ["admin", "compliance"], guest: false });
const accounts = { accounts: { [root]: {}, [ada]: {} } };

describe("a tenant", () => {
  test("is founded once", () => {
    given().when(FoundTenant, { tagKeyHash }, root).thenEvents(founded);
    given(founded).when(FoundTenant, { tagKeyHash }, root).thenUnchanged(0);
  });
  test("gets its first administrator once", () => {
    given(founded).when(AppointFirstAdmin, { userId: root }, root).thenEvents(rootIsAdmin);
    given(founded, rootIsAdmin).when(AppointFirstAdmin, { userId: root }, root).thenUnchanged(1);
    given(founded, rootIsAdmin).when(AppointFirstAdmin, { userId: ada }, ada).thenRejected("conflict");
  });
});

describe("ChangeRoles", () => {
  test("gives roles", () =>
    given(founded, rootIsAdmin)
      .when(ChangeRoles, { userId: ada, roles: ["moderator", "auditor", "auditor"] }, root, accounts)
      .thenEvents(RolesChanged({ userId: ada, roles: ["auditor", "moderator"], guest: false })));
  test("is for those whom the tenant itself knows as administrators, whatever a session says", () =>
    given(founded, rootIsAdmin)
      .when(ChangeRoles, { userId: ada, roles: ["admin"] }, ada, { ...accounts, by: { roles: ["admin"] } })
      .thenRejected("forbidden"));
  test("leaves a guest a guest where it does not say", () =>
    given(founded, rootIsAdmin, RolesChanged({ userId: ada, roles: [], guest: true }))
      .when(ChangeRoles, { userId: ada, roles: ["auditor"] }, root, accounts)
      .thenEvents(RolesChanged({ userId: ada, roles: ["auditor"], guest: true })));
  test("leaves the last administrator in office", () => {
    given(founded, rootIsAdmin).when(ChangeRoles, { userId: root, roles: [] }, root, accounts).thenRejected("conflict");
    given(founded, rootIsAdmin, RolesChanged({ userId: ada, roles: ["admin"], guest: false }))
      .when(ChangeRoles, { userId: root, roles: [] }, root, accounts)
      .thenEvents(RolesChanged({ userId: root, roles: [], guest: false }));
  });
  test("without effect names the event that made it so", () =>
    given(founded, rootIsAdmin)
      .when(ChangeRoles, { userId: root, roles: ["compliance", "admin"] }, root, accounts)
      .thenUnchanged(1));
  test("of nobody is not found", () =>
    given(founded, rootIsAdmin)
      .when(ChangeRoles, { userId: crypto.randomUUID(), roles: [] }, root, accounts)
      .thenRejected("not-found"));
});
