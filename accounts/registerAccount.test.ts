import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RegisterUser } from "../commands/index.ts";
import { createdId } from "../domain/ids.ts";
import {
  done,
  type Installation,
  newInstallation,
  passwordOf,
  startAccounts,
  until,
} from "../test/support/accounts.ts";
import { accountNamed, accountsOf, claimName } from "./accountRows.ts";
import { Register } from "./doors/register.ts";
import { eraseAccount } from "./eraseAccount.ts";
import { sendCommand } from "./sendCommand.ts";

let installation: Installation;
let now = Date.UTC(2026, 10, 21, 8);
let server: Awaited<ReturnType<typeof startAccounts>>;

beforeAll(async () => {
  installation = await newInstallation();
  server = await startAccounts(installation, { clock: () => now });
});
afterAll(async () => {
  await server.stop();
  await installation.db.drop();
});

const seconds = (count: number) => count * 1_000;
const registrationOf = (username: string) => ({
  username,
  password: passwordOf(username),
  displayName: username.toUpperCase(),
  tenant: "main",
});
const register = (registration: ReturnType<typeof registrationOf>, key?: string, at = server) =>
  Register.run(registration, at.anyone(key === undefined ? {} : { key }), at.parts);
const hashOf = (username: string) => server.engine.sealing.lookupHash("main", "username", username);

/** What a process that was killed before recording the event leaves behind. */
async function claimOnly(username: string, commandId: string) {
  const { passwords, database } = server.parts;
  const claim = {
    tenant: "main",
    userId: crypto.randomUUID(),
    usernameHash: await hashOf(username),
    passwordHash: await passwords.hash(passwordOf(username)),
    commandId,
    now: new Date(now),
  };
  expect(await claimName(database, claim)).toBe(claim.userId);
  return claim;
}

/** And one that was killed after it, before confirming. */
async function claimAndRecord(username: string, commandId: string) {
  const claim = await claimOnly(username, commandId);
  const by = server.anyone({ tenant: "main", userId: claim.userId, key: commandId });
  const payload = { username, displayName: username.toUpperCase(), imported: false };
  expect(await sendCommand(RegisterUser, payload, by, server.engine)).toHaveProperty("position");
  return claim;
}

describe("registering", () => {
  test("makes an account that can sign in, and a stream of its own", async () => {
    const { userId } = done(await register(registrationOf("ada")));
    expect((await server.login("ada")).userId).toBe(userId);
    expect((await accountsOf(server.parts.database, "main", [userId])).get(userId)).toEqual({
      guest: false,
      deactivated: false,
      erased: false,
    });
  });

  test("takes a name once", async () => {
    done(await register(registrationOf("bea")));
    expect(await register(registrationOf("bea"))).toMatchObject({ rejected: "conflict" });
  });

  test("of one name by many at once makes one account", async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => register(registrationOf("cleo"))));
    expect(answers.filter((answer) => "body" in answer)).toHaveLength(1);
    expect(answers.filter((answer) => "rejected" in answer && answer.rejected === "conflict")).toHaveLength(7);
    await server.login("cleo");
  });

  test("again with the same key gives the same answer, for ever", async () => {
    const key = crypto.randomUUID();
    const first = done(await register(registrationOf("dora"), key));
    now += 400 * 86_400_000;
    expect(done(await register(registrationOf("dora"), key))).toEqual(first);
    expect(first.userId).toBe(createdId("user", "main", Buffer.from(await hashOf("dora")).toString("hex"), key));
    const answers = await Promise.all(Array.from({ length: 4 }, () => register(registrationOf("dora"), key)));
    for (const answer of answers) expect(done(answer)).toEqual(first);
  });

  test.each([
    ["name", { displayName: "Somebody else" }],
    ["password", { password: "another password" }],
  ])("again with the same key and another %s is a conflict", async (what, changed) => {
    const key = crypto.randomUUID();
    const registration = registrationOf(`emil-${what}`);
    done(await register(registration, key));
    expect(await register({ ...registration, ...changed }, key)).toMatchObject({ rejected: "conflict" });
    await server.login(registration.username);
  });

  test("with a key that somebody used for another name is a registration of its own", async () => {
    const key = crypto.randomUUID();
    const one = done(await register(registrationOf("finn"), key));
    const two = done(await register(registrationOf("gil"), key));
    expect(one.userId).not.toBe(two.userId);
  });

  test("in an unknown tenant is not found", async () => {
    const elsewhere = { ...registrationOf("hal"), tenant: "elsewhere" };
    expect(await register(elsewhere)).toMatchObject({ rejected: "not-found" });
    expect(await register({ ...elsewhere, tenant: "../main" })).toMatchObject({ rejected: "not-found" });
  });

  test.each([
    { username: "a" },
    { username: "Ada" },
    { username: "-ada" },
    { username: "a".repeat(33) },
    { username: "ada/../root" },
    { password: "too short" },
    { password: "x".repeat(129) },
    { displayName: "" },
    { surplus: true },
  ])("refuses %j", (wrong) => {
    expect(Register.payload.safeParse({ ...registrationOf("fine"), ...wrong }).success).toBe(false);
  });

  test("keeps nothing of the name or the password in clear", async () => {
    done(await register({ ...registrationOf("zacharias-the-third"), displayName: "Zacharias III" }));
    const { rows } = await installation.db.database.query<{ row: string }>(
      `select a::text as row from accounts.accounts a union all select e::text from log.events e`,
    );
    const all = rows.map(({ row }) => row).join("\n");
    expect(rows.length).toBeGreaterThan(10);
    for (const trace of ["zacharias", "Zacharias", passwordOf("zacharias-the-third")])
      for (const form of [
        trace,
        Buffer.from(trace).toString("hex"),
        Buffer.from(trace).toString("base64").slice(0, -4),
      ])
        expect(all).not.toContain(form);
  });
});

describe("a registration that was killed before its event", () => {
  test("goes on where it stopped with the same key", async () => {
    const key = crypto.randomUUID();
    const { userId } = await claimOnly("ida", key);
    await expect(server.login("ida")).rejects.toThrow("unauthenticated");
    expect(done(await register(registrationOf("ida"), key)).userId).toBe(userId);
    expect((await server.login("ida")).userId).toBe(userId);
  });

  test("keeps the name for half a minute, then leaves it to the next", async () => {
    await claimOnly("jo", crypto.randomUUID());
    expect(await register(registrationOf("jo"))).toMatchObject({ rejected: "conflict" });
    now += seconds(31);
    const next = { ...registrationOf("jo"), password: "quite another password" };
    done(await register(next));
    await server.login("jo", "main", next.password);
    await expect(server.login("jo")).rejects.toThrow("unauthenticated");
  });
});

describe("a registration that was killed after its event", () => {
  test("gives the same account to a retry", async () => {
    const key = crypto.randomUUID();
    const { userId } = await claimAndRecord("kim", key);
    expect(done(await register(registrationOf("kim"), key)).userId).toBe(userId);
  });

  test("is completed by the log alone, also for who has no key", async () => {
    const { userId } = await claimAndRecord("lea", crypto.randomUUID());
    const confirmed = async () =>
      (await accountNamed(server.parts.database, "main", await hashOf("lea")))?.open ?? false;
    await until(confirmed, "the log's word is folded");
    expect((await server.login("lea")).userId).toBe(userId);
    expect(await register(registrationOf("lea"))).toMatchObject({ rejected: "conflict" });
  });

  test("is completed by the next start", async () => {
    await server.stop();
    const userId = await registeredByOneThatDies("moe");
    server = await startAccounts(installation, { clock: () => now });
    expect((await server.login("moe")).userId).toBe(userId);
  });

  test("cannot be taken over by somebody who waits", async () => {
    const { userId } = await claimAndRecord("nan", crypto.randomUUID());
    now += seconds(31);
    const thief = { ...registrationOf("nan"), password: "the password of a thief" };
    expect(await register(thief)).toMatchObject({ rejected: "conflict" });
    expect((await server.login("nan")).userId).toBe(userId);
  });
});

test("the name of an erased person is free after 30 days, for another account", async () => {
  const { userId } = await server.person("ole");
  expect(await eraseAccount(server.parts, "main", userId)).toBeUndefined();
  await expect(server.login("ole")).rejects.toThrow("unauthenticated");
  now += 29 * 86_400_000;
  expect(await register(registrationOf("ole"))).toMatchObject({ rejected: "conflict" });
  now += 86_400_001;
  expect(done(await register(registrationOf("ole"))).userId).not.toBe(userId);
  await server.login("ole");
});

test("a key stays used when its account is erased and the name is free again", async () => {
  const key = crypto.randomUUID();
  const { userId } = done(await register(registrationOf("pam"), key));
  expect(await eraseAccount(server.parts, "main", userId)).toBeUndefined();
  now += 30 * 86_400_000 + 1;
  for (let again = 0; again < 2; again++)
    expect(await register(registrationOf("pam"), key)).toMatchObject({ rejected: "conflict" });
  expect(done(await register(registrationOf("pam"))).userId).not.toBe(userId);
});

/** Claims and records without a follower beside it. */
async function registeredByOneThatDies(username: string): Promise<string> {
  const dying = await startAccounts(installation, { clock: () => now });
  await dying.deafen();
  server = dying;
  const { userId } = await claimAndRecord(username, crypto.randomUUID());
  await dying.stop();
  return userId;
}
