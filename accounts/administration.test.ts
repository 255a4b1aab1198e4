import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CreateConversation } from "../commands/conversation/createConversation.ts";
import { SetPreferences, UpdateProfile } from "../commands/index.ts";
import type { By } from "../domain/by.ts";
import { isRejection } from "../domain/rejection.ts";
import { defaultPreferences } from "../domain/user/events.ts";
import {
  done,
  type Installation,
  newInstallation,
  passwordOf,
  startAccounts,
  until,
} from "../test/support/accounts.ts";
import { Deactivate, SetRoles } from "./doors/admin.ts";
import { Exchange } from "./doors/exchange.ts";
import { GetMe, GetPreferences } from "./doors/me.ts";
import { Register } from "./doors/register.ts";
import { FindUsers, GetUser } from "./doors/users.ts";
import { bootstrapAdmin, foundTenant } from "./foundTenant.ts";
import { openAccounts } from "./list.ts";
import { sendCommand } from "./sendCommand.ts";

let installation: Installation;
let server: Awaited<ReturnType<typeof startAccounts>>;
let other: Awaited<ReturnType<typeof startAccounts>>;
let root: Awaited<ReturnType<typeof server.admin>>;
let admin: By;

beforeAll(async () => {
  installation = await newInstallation();
  server = await startAccounts(installation);
  other = await startAccounts(installation, { directory: "none" });
  root = await server.admin();
  admin = await server.by(root.accessToken);
});
afterAll(async () => {
  await other.stop();
  await server.stop();
  await installation.db.drop();
});

const setRoles = (
  userId: string,
  payload: { roles: ("admin" | "auditor" | "moderator")[]; guest?: boolean },
  by = admin,
) => SetRoles.run({ userId, ...payload }, by, server.parts);
const find = (asked: { username: string } | { ids: string[] }, by: By, at = server) =>
  FindUsers.run(asked, by, at.parts);

async function sharingAConversation(by: By, userId: string) {
  const payload = CreateConversation.payload.parse({ kind: "direct", userId });
  const created = await sendCommand(CreateConversation, payload, by, server.engine);
  if (isRejection(created)) throw new Error(created.detail);
  await server.settle();
}

describe("the first administrator", () => {
  test("comes with the first start, and no second start makes another", async () => {
    expect(admin.roles).toEqual(["admin", "compliance"]);
    const again = await bootstrapAdmin(server.parts, "main", { username: "second", password: passwordOf("second") });
    expect(again).toBe("there is one");
    await expect(server.login("second")).rejects.toThrow("unauthenticated");
  });

  test("is made by two processes that start together once, and completed where one was killed", async () => {
    done(await foundTenantNamed("twice"));
    const credentials = { username: "boss", password: passwordOf("boss") };
    const made = await Promise.all([
      bootstrapAdmin(server.parts, "twice", credentials),
      bootstrapAdmin(other.parts, "twice", credentials),
    ]);
    const ids = made.filter((outcome) => outcome !== "there is one");
    for (const outcome of ids) expect(outcome).toHaveProperty("userId");
    const boss = await server.login("boss", "twice");
    expect((await server.by(boss.accessToken)).roles).toEqual(["admin", "compliance"]);
  });
});

const foundTenantNamed = async (tenant: string) => (await foundTenant(server.parts, tenant)) ?? { body: tenant };

describe("tenants", () => {
  test("have names of their own, and nothing of one exists in another", async () => {
    done(await foundTenantNamed("acme"));
    done(await foundTenantNamed("acme"));
    const here = await server.person("ann");
    const there = await server.person("ann", "acme");
    expect(here.userId).not.toBe(there.userId);
    const bySomebodyThere = await server.by(there.accessToken);
    await server.settle();
    expect(done(await find({ ids: [here.userId] }, bySomebodyThere)).items).toEqual([]);
    expect(await GetUser.run({ userId: here.userId }, bySomebodyThere, server.parts)).toMatchObject({
      rejected: "not-found",
    });
    expect(await setRoles(there.userId, { roles: ["auditor"] })).toMatchObject({ rejected: "not-found" });
    expect(await Deactivate.run({ userId: there.userId }, admin, server.parts)).toMatchObject({
      rejected: "not-found",
    });
  });

  test("are not founded under names that are none", async () =>
    expect(await foundTenant(server.parts, "Acme/..")).toMatchObject({ rejected: "validation-failed" }));
});

describe("server roles", () => {
  test("hold at once here, within a second elsewhere, and as soon are taken away", async () => {
    const bea = await server.person("bea");
    expect((await other.by(bea.accessToken)).roles).toEqual([]);
    done(await setRoles(bea.userId, { roles: ["auditor"] }));
    expect((await server.by(bea.accessToken)).roles).toEqual(["auditor"]);
    await until(async () => (await other.by(bea.accessToken)).roles.includes("auditor"), "the other process knows");
    done(await setRoles(bea.userId, { roles: [] }));
    expect((await server.by(bea.accessToken)).roles).toEqual([]);
    await until(async () => (await other.by(bea.accessToken)).roles.length === 0, "the other process knows");
  });

  test("are raised by nobody for oneself, whatever a request claims", async () => {
    const cleo = await server.person("cleo");
    const claiming = await server.by(cleo.accessToken, { roles: ["admin"] });
    expect(await setRoles(cleo.userId, { roles: ["admin"] }, claiming)).toMatchObject({ rejected: "forbidden" });
    expect(UpdateProfile.payload.safeParse({ displayName: "Cleo", roles: ["admin"] }).success).toBe(false);
    const registration = { username: "climber", password: passwordOf("climber"), displayName: "C" };
    expect(Register.payload.safeParse({ ...registration, roles: ["admin"] }).success).toBe(false);
    expect((await server.by(cleo.accessToken)).roles).toEqual([]);
  });

  test("of the last administrator stay, a deactivated one not counted", async () => {
    const dora = await server.person("dora");
    expect(await setRoles(root.userId, { roles: [] })).toMatchObject({ rejected: "conflict" });
    done(await setRoles(dora.userId, { roles: ["admin"] }));
    done(await Deactivate.run({ userId: dora.userId }, admin, server.parts));
    expect(await setRoles(root.userId, { roles: [] })).toMatchObject({ rejected: "conflict" });
    expect(await Deactivate.run({ userId: root.userId }, admin, server.parts)).toMatchObject({ rejected: "conflict" });
  });

  test("of nobody are not found", async () =>
    expect(await setRoles(crypto.randomUUID(), { roles: [] })).toMatchObject({ rejected: "not-found" }));

  test("given twice are given once", async () => {
    const emil = await server.person("emil");
    const first = done(await setRoles(emil.userId, { roles: ["moderator"] }));
    expect(done(await setRoles(emil.userId, { roles: ["moderator"] }))).toEqual(first);
  });
});

describe("oneself", () => {
  test("can be read right after registering, and after each change", async () => {
    const finn = await server.person("finn");
    const by = await server.by(finn.accessToken);
    const { revision, ...me } = done(await GetMe.run({}, by, server.parts));
    expect(me).toEqual({
      userId: finn.userId,
      username: "finn",
      displayName: "finn",
      avatar: null,
      roles: [],
      preferences: defaultPreferences,
    });
    const changed = await sendCommand(UpdateProfile, { displayName: "Finn F." }, by, server.engine);
    expect(changed).toMatchObject({ revision: revision + 2 });
    await sendCommand(SetPreferences, { ...defaultPreferences, preview: false }, by, server.engine);
    await server.settle();
    expect(done(await GetMe.run({}, by, server.parts))).toMatchObject({
      displayName: "Finn F.",
      preferences: { preview: false },
    });
    expect(done(await GetPreferences.run({}, by, server.parts))).toEqual({ ...defaultPreferences, preview: false });
  });
});

describe("other people", () => {
  test("are found by their exact name", async () => {
    const gil = await server.person("gil");
    const by = await server.by(gil.accessToken);
    const hal = await server.person("hal");
    const found = done(await find({ username: "hal" }, by));
    expect(found.items).toEqual([
      { userId: hal.userId, username: "hal", displayName: "hal", avatar: null, erased: false },
    ]);
    for (const username of ["ha", "HAL", "hal ", "nobody", "%", "", "a".repeat(256)])
      expect(done(await find({ username }, by)).items).toEqual([]);
  });

  test("are not found by name where there is no directory, unless one shares a conversation", async () => {
    const ida = await server.person("ida");
    const jo = await server.person("jo");
    const by = await server.by(ida.accessToken);
    expect(done(await find({ username: "jo" }, by, other)).items).toEqual([]);
    await sharingAConversation(by, jo.userId);
    expect(done(await find({ username: "jo" }, by)).items).toHaveLength(1);
    await other.settle();
    expect(done(await find({ username: "jo" }, by, other)).items).toHaveLength(1);
  });

  test("are known by id to those alone who share a conversation with them; strangers look like nobody", async () => {
    const kim = await server.person("kim");
    const lea = await server.person("lea");
    const stranger = await server.person("moe");
    const by = await server.by(kim.accessToken);
    await sharingAConversation(by, lea.userId);
    expect(done(await GetUser.run({ userId: lea.userId }, by, server.parts))).toMatchObject({ username: "lea" });
    expect(done(await GetUser.run({ userId: kim.userId }, by, server.parts))).toMatchObject({ username: "kim" });
    const strange = await GetUser.run({ userId: stranger.userId }, by, server.parts);
    expect(strange).toEqual(await GetUser.run({ userId: crypto.randomUUID() }, by, server.parts));
    const ids = [stranger.userId, lea.userId, crypto.randomUUID(), lea.userId];
    expect(done(await find({ ids }, by)).items.map(({ userId }) => userId)).toEqual([lea.userId]);
  });

  test("have no name once they are erased", async () => {
    const nan = await server.person("nan");
    const ole = await server.person("ole");
    const by = await server.by(nan.accessToken);
    await sharingAConversation(by, ole.userId);
    await server.engine.sealing.destroy([{ tenant: "main", of: ole.userId }]);
    const erased = { userId: ole.userId, username: null, displayName: null, avatar: null, erased: true };
    expect(done(await GetUser.run({ userId: ole.userId }, by, server.parts))).toEqual(erased);
    expect(done(await find({ ids: [ole.userId] }, by)).items).toEqual([erased]);
    expect(done(await find({ username: "ole" }, by)).items).toEqual([]);
  });

  test("are looked up by no guest", async () => {
    const pia = await server.person("pia");
    done(await setRoles(pia.userId, { roles: [], guest: true }));
    const guest = await server.by(pia.accessToken);
    expect(guest.guest).toBe(true);
    expect(await find({ username: "gil" }, guest)).toMatchObject({ rejected: "forbidden" });
    expect(await find({ ids: [root.userId] }, guest)).toMatchObject({ rejected: "forbidden" });
    expect(await GetUser.run({ userId: root.userId }, guest, server.parts)).toMatchObject({ rejected: "forbidden" });
    expect(done(await GetUser.run({ userId: pia.userId }, guest, server.parts))).toMatchObject({ username: "pia" });
  });

  test.each([
    {},
    { username: "a", ids: crypto.randomUUID() },
    { ids: "not-an-id" },
    { ids: "" },
    { ids: Array.from({ length: 201 }, () => crypto.randomUUID()).join() },
  ])("cannot be asked for by %j", (asked) => expect(FindUsers.payload.safeParse(asked).success).toBe(false));
});

test("no issuer's tokens are taken where none is configured", async () => {
  const device = { name: "phone", platform: "test" };
  const asked = { token: "x", device, tenant: "main" };
  expect(await Exchange.run(asked, server.anyone(), server.parts)).toMatchObject({ rejected: "not-found" });
});

test("administrative doors are for administrators, and only signing in is for anyone", () => {
  const doors = openAccounts(server.parts);
  expect(doors.filter(({ route }) => route.includes("/admin/")).map(({ access }) => access)).toEqual(
    Array.from({ length: 3 }, () => ["admin"]),
  );
  expect(doors.filter(({ access }) => access === "anyone").map(({ name }) => name)).toEqual([
    "Register",
    "Login",
    "Refresh",
    "Exchange",
  ]);
});
