import { createHmac, generateKeyPairSync, randomBytes } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  accepted,
  done,
  type Installation,
  newInstallation,
  passwordOf,
  startAccounts,
  until,
} from "../test/support/accounts.ts";
import { Deactivate, Reactivate } from "./doors/admin.ts";
import { ListDevices, SignOutOwnDevice } from "./doors/devices.ts";
import { Login } from "./doors/login.ts";
import { Logout } from "./doors/logout.ts";
import { Refresh } from "./doors/refresh.ts";
import { eraseAccount } from "./eraseAccount.ts";
import { foundTenant } from "./foundTenant.ts";

let installation: Installation;
let now = Date.UTC(2026, 10, 21, 8);
let server: Awaited<ReturnType<typeof startAccounts>>;
let other: Awaited<ReturnType<typeof startAccounts>>;
let root: Awaited<ReturnType<typeof server.admin>>;

beforeAll(async () => {
  installation = await newInstallation();
  server = await startAccounts(installation, { clock: () => now });
  other = await startAccounts(installation, { clock: () => now });
  root = await server.admin();
});
afterAll(async () => {
  await other.stop();
  await server.stop();
  await installation.db.drop();
});

const minutes = (count: number) => count * 60_000;
const pass = (ms: number) => {
  now += ms;
};
type Pair = Awaited<ReturnType<typeof server.login>>;
const device = { name: "phone", platform: "test" };
const refresh = (refreshToken: string, by = server) => Refresh.run({ refreshToken }, by.anyone(), by.parts);

describe("signing in", () => {
  test("gives tokens that say who one is", async () => {
    const ada = await server.person("ada");
    const session = accepted(await server.sessions.authenticate(ada.accessToken));
    expect(session).toMatchObject({
      tenant: "main",
      userId: ada.userId,
      deviceId: ada.deviceId,
      roles: [],
      guest: false,
    });
    expect(session.expiresAt.getTime() - now).toBeGreaterThan(minutes(14));
    expect(ada.expiresIn).toBe(900);
  });

  test("works in every process of the installation", async () => {
    const bea = await server.person("bea");
    expect(await other.isIn(bea.accessToken)).toBe(true);
  });

  test("answers alike for an unknown name, a wrong password and an unknown tenant", async () => {
    await server.person("cleo");
    const answers = await Promise.all([
      Login.run(
        { username: "cleo", password: "wrong password", device, tenant: "main" },
        server.anyone(),
        server.parts,
      ),
      Login.run(
        { username: "nobody", password: "wrong password", device, tenant: "main" },
        server.anyone(),
        server.parts,
      ),
      Login.run(
        { username: "cleo", password: passwordOf("cleo"), device, tenant: "elsewhere" },
        server.anyone(),
        server.parts,
      ),
    ]);
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject({ rejected: "unauthenticated" });
  });

  test("takes the same work whether the name is known or not", async () => {
    const slow = await startAccounts(installation, { passwords: { cost: 14, atOnce: 1 } });
    await slow.person("dora");
    const login = async (username: string, attempt: number) => {
      const start = performance.now();
      const by = slow.anyone({ address: `198.51.100.${attempt}` });
      await Login.run({ username, password: "wrong password", device, tenant: "main" }, by, slow.parts);
      return performance.now() - start;
    };
    const known: number[] = [];
    const unknown: number[] = [];
    for (let attempt = 0; attempt < 9; attempt++) {
      known.push(await login("dora", attempt));
      unknown.push(await login("nobody-at-all", attempt));
    }
    const median = (times: number[]) => times.sort((a, b) => a - b)[4] ?? Number.NaN;
    const ratio = median(known) / median(unknown);
    expect(ratio).toBeGreaterThan(0.5);
    expect(ratio).toBeLessThan(2);
    await slow.stop();
  });
});

describe("guessing passwords", () => {
  const guess = (address: string, username = "eve", password = "wrong password", at = server) =>
    Login.run({ username, password, device, tenant: "main" }, at.anyone({ address }), at.parts);

  test("ends after ten failures from an address, even with the right one, in every process, for 15 minutes", async () => {
    await server.person("eve");
    for (let n = 0; n < 10; n++) expect(await guess("203.0.113.1")).toMatchObject({ rejected: "unauthenticated" });
    const refused = await guess("203.0.113.1", "eve", passwordOf("eve"));
    expect(refused).toMatchObject({ rejected: "rate-limited", retryAfterSeconds: expect.any(Number) });
    expect(await guess("203.0.113.1", "eve", passwordOf("eve"), other)).toMatchObject({ rejected: "rate-limited" });
    expect(await guess("203.0.113.2", "eve", passwordOf("eve"))).toHaveProperty("body");
    expect(await guess("203.0.113.1", "ada", passwordOf("ada"))).toHaveProperty("body");
    now += minutes(15) + 1;
    expect(await guess("203.0.113.1", "eve", passwordOf("eve"))).toHaveProperty("body");
  });

  test("is not helped by guessing at once", async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => guess("203.0.113.3")));
    const judged = answers.filter((answer) => "rejected" in answer && answer.rejected === "unauthenticated");
    expect(judged).toHaveLength(10);
  });

  test("of names that nobody has ends alike", async () => {
    for (let n = 0; n < 10; n++) await guess("203.0.113.4", "no-such-name");
    expect(await guess("203.0.113.4", "no-such-name")).toMatchObject({ rejected: "rate-limited" });
  });

  test("does not keep a person from signing many devices in at once", async () => {
    await server.person("finn");
    const answers = await Promise.all(
      Array.from({ length: 25 }, () => guess("203.0.113.5", "finn", passwordOf("finn"))),
    );
    for (const answer of answers) expect(answer).toHaveProperty("body");
  });

  test("leaves neither names nor addresses behind", async () => {
    const { rows } = await installation.db.database.query<{ row: string }>(
      `select f::text as row from accounts.sign_in_failures f union all select a::text from accounts.accounts a
       union all select d::text from accounts.devices d`,
    );
    const all = rows.map(({ row }) => row).join("\n");
    expect(rows.length).toBeGreaterThan(20);
    for (const trace of ["eve", "no-such-name", "203.0.113", "phone", "password"])
      for (const form of [trace, Buffer.from(trace).toString("hex")]) expect(all).not.toContain(form);
  });
});

describe("an access token", () => {
  test("ends", async () => {
    const gil = await server.person("gil");
    now += minutes(14);
    expect(await server.isIn(gil.accessToken)).toBe(true);
    now += minutes(1) + 1_000;
    expect(await server.isIn(gil.accessToken)).toBe(false);
  });

  test("holds ids alone", async () => {
    const hal = await server.person("hal");
    const claims: unknown = JSON.parse(Buffer.from(hal.accessToken.split(".")[1] ?? "", "base64url").toString());
    expect(Object.keys(claims ?? {}).sort()).toEqual([
      "aud",
      "device",
      "exp",
      "generation",
      "iat",
      "iss",
      "sub",
      "tenant",
    ]);
    expect(JSON.stringify(claims)).not.toContain("hal");
  });

  test("of another algorithm, another key, no algorithm or another issuer is none", async () => {
    const ida = await server.person("ida");
    const { userId, deviceId } = ida;
    const claims = { tenant: "main", device: deviceId, generation: 0 };
    const seconds = Math.floor(now / 1_000);
    const forged = (issuer = "scripta", type = "at+jwt", alg = "HS256") =>
      new SignJWT(claims)
        .setProtectedHeader({ alg, typ: type })
        .setIssuer(issuer)
        .setAudience("scripta")
        .setSubject(userId)
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + 600);
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const publicPem = publicKey.export({ type: "spki", format: "pem" });
    const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const body = base64({ ...claims, iss: "scripta", aud: "scripta", sub: userId, exp: seconds + 600 });
    const none = `${base64({ alg: "none", typ: "at+jwt" })}.${body}`;
    const confused = `${base64({ alg: "HS256", typ: "at+jwt" })}.${body}`;
    const [header, payload, signature = ""] = ida.accessToken.split(".");
    const worthless = [
      await forged().sign(randomBytes(32)),
      await forged("someone").sign(randomBytes(32)),
      await forged("scripta", "at+jwt", "RS256").sign(privateKey),
      `${none}.`,
      none,
      `${none}.${signature}`,
      `${confused}.${createHmac("sha256", publicPem).update(confused).digest("base64url")}`,
      `${header}.${body}.${signature}`,
      `${header}.${payload}.`,
      "",
      "x".repeat(10_000),
    ];
    for (const token of worthless)
      expect(await server.sessions.authenticate(token)).toMatchObject({ rejected: "unauthenticated" });
    expect(await server.isIn(ida.accessToken)).toBe(true);
  });

  test("of one tenant says nothing in another, even for the same ids", async () => {
    const jo = await server.person("jo");
    await foundTenant(server.parts, "acme");
    const elsewhere = { tenant: "acme", userId: jo.userId, deviceId: jo.deviceId, generation: 0 };
    const forged = await server.parts.accessTokens.issue(elsewhere, new Date(now));
    expect(await server.isIn(forged)).toBe(false);
  });
});

describe("a refresh token", () => {
  test("gives a new pair, and the old one again the same pair for a minute", async () => {
    const kim = await server.person("kim");
    now += 5_000;
    const first = done(await refresh(kim.refreshToken));
    expect(first.refreshToken).not.toBe(kim.refreshToken);
    expect(first.accessToken).not.toBe(kim.accessToken);
    now += 30_000;
    const again = done(await refresh(kim.refreshToken, other));
    expect(again).toMatchObject({ accessToken: first.accessToken, refreshToken: first.refreshToken, expiresIn: 870 });
    expect(await server.isIn(again.accessToken)).toBe(true);
  });

  test("that is used twice at once gives one pair", async () => {
    const lea = await server.person("lea");
    const pairs = (await Promise.all([1, 2, 3, 4].map(() => refresh(lea.refreshToken)))).map(done);
    expect(new Set(pairs.map((pair) => pair.refreshToken)).size).toBe(1);
  });

  test.each([
    ["after a minute", async () => pass(61_000)],
    ["once the new access token was used", async (pair: Pair) => other.isIn(pair.accessToken)],
    ["once the new refresh token was used", async (pair: Pair) => refresh(pair.refreshToken)],
  ])("that comes again %s signs the device out", async (when, happens) => {
    const name = `mallory-${when.length}`;
    const victim = await server.person(name);
    const elsewhere = await server.login(name);
    const ended: unknown[] = [];
    const stop = server.sessions.onRevoked((session) => ended.push(session));
    const pair = done(await refresh(victim.refreshToken));
    await happens(pair);
    expect(await refresh(victim.refreshToken)).toMatchObject({ rejected: "unauthenticated" });
    expect(await refresh(pair.refreshToken)).toMatchObject({ rejected: "unauthenticated" });
    expect(await server.isIn(pair.accessToken)).toBe(false);
    await until(async () => !(await other.isIn(pair.accessToken)), "the other process knows");
    expect(ended).toContainEqual({ tenant: "main", userId: victim.userId, deviceId: victim.deviceId });
    expect(await server.isIn(elsewhere.accessToken)).toBe(true);
    stop();
  });

  test("that nobody made changes nothing", async () => {
    const nan = await server.person("nan");
    const [tenant, deviceId, generation, proof = ""] = nan.refreshToken.split(".");
    const altered = proof.startsWith("A") ? `B${proof.slice(1)}` : `A${proof.slice(1)}`;
    const made = [
      `${tenant}.${deviceId}.${generation}.${altered}`,
      `acme.${deviceId}.${generation}.${proof}`,
      `${tenant}.${crypto.randomUUID()}.${generation}.${proof}`,
      `${tenant}.${deviceId}.7.${proof}`,
      "",
      "nonsense",
    ];
    for (const token of made) expect(await refresh(token)).toMatchObject({ rejected: "unauthenticated" });
    expect(await server.isIn(nan.accessToken)).toBe(true);
    expect(await refresh(nan.refreshToken)).toHaveProperty("body");
  });

  test("of a device that was away for three months signs in anew", async () => {
    const ole = await server.person("ole");
    now += 91 * 86_400_000;
    expect(await refresh(ole.refreshToken)).toMatchObject({ rejected: "unauthenticated" });
  });
});

describe("signing out", () => {
  test("ends that device at once here, within a second elsewhere, and no other device", async () => {
    const pia = await server.person("pia");
    const tablet = await server.login("pia");
    expect(await other.isIn(pia.accessToken)).toBe(true);
    const told: unknown[] = [];
    const stop = other.sessions.onRevoked((session) => told.push(session));
    done(await Logout.run({}, await server.by(pia.accessToken), server.parts));
    expect(await server.isIn(pia.accessToken)).toBe(false);
    const since = performance.now();
    await until(() => told.length > 0, "the other process is told");
    expect(performance.now() - since).toBeLessThan(1_000);
    expect(await other.isIn(pia.accessToken)).toBe(false);
    expect(await refresh(pia.refreshToken)).toMatchObject({ rejected: "unauthenticated" });
    expect(await server.isIn(tablet.accessToken)).toBe(true);
    stop();
  });

  test("works for one's other devices, and for nobody else's", async () => {
    const quin = await server.person("quin");
    const tablet = await server.login("quin");
    const rex = await server.person("rex");
    await server.settle();
    const listed = done(await ListDevices.run({}, await server.by(quin.accessToken), server.parts));
    expect(listed.items.map(({ deviceId, current }) => [deviceId, current])).toEqual(
      expect.arrayContaining([
        [tablet.deviceId, false],
        [quin.deviceId, true],
      ]),
    );
    expect(listed.items[0]?.name).toBe("quin's phone");
    const foreign = await SignOutOwnDevice.run(
      { deviceId: tablet.deviceId },
      await server.by(rex.accessToken),
      server.parts,
    );
    expect(foreign).toMatchObject({ rejected: "not-found" });
    const byQuin = await server.by(quin.accessToken);
    done(await SignOutOwnDevice.run({ deviceId: tablet.deviceId }, byQuin, server.parts));
    expect(await server.isIn(tablet.accessToken)).toBe(false);
    await server.settle();
    expect(done(await ListDevices.run({}, byQuin, server.parts)).items).toHaveLength(1);
  });
});

describe("tokens do not outlive a deactivation", () => {
  test("in any process, nor come back with a reactivation", async () => {
    const sam = await server.person("sam");
    expect(await other.isIn(sam.accessToken)).toBe(true);
    const admin = await server.by((await server.login("root")).accessToken);
    done(await Deactivate.run({ userId: sam.userId }, admin, server.parts));
    expect(await server.isIn(sam.accessToken)).toBe(false);
    await until(async () => !(await other.isIn(sam.accessToken)), "the other process knows");
    await expect(server.login("sam")).rejects.toThrow("unauthenticated");
    expect(await refresh(sam.refreshToken)).toMatchObject({ rejected: "unauthenticated" });
    done(await Reactivate.run({ userId: sam.userId }, admin, server.parts));
    expect(await server.isIn(sam.accessToken)).toBe(false);
    expect(await server.isIn((await server.login("sam")).accessToken)).toBe(true);
  });

  test("the last administrator cannot be shut out", async () => {
    const admin = await server.by((await server.login("root")).accessToken);
    expect(await Deactivate.run({ userId: root.userId }, admin, server.parts)).toMatchObject({ rejected: "conflict" });
  });
});

describe("an erased person", () => {
  test("is signed out everywhere, and signs in nowhere", async () => {
    const tess = await server.person("tess");
    const tablet = await server.login("tess");
    expect(await other.isIn(tess.accessToken)).toBe(true);
    expect(await eraseAccount(server.parts, "main", tess.userId)).toBeUndefined();
    for (const { accessToken, refreshToken } of [tess, tablet]) {
      expect(await server.isIn(accessToken)).toBe(false);
      await until(async () => !(await other.isIn(accessToken)), "the other process knows");
      expect(await refresh(refreshToken)).toMatchObject({ rejected: "unauthenticated" });
    }
    await expect(server.login("tess")).rejects.toThrow("unauthenticated");
    expect(await eraseAccount(server.parts, "main", tess.userId)).toBeUndefined();
  });
});

describe("a log that lost its tail", () => {
  test("takes the roles of its lost events with it, and keeps the others", async () => {
    const uma = await server.person("uma");
    await installation.db.database.query(
      "update accounts.accounts set roles = '{admin}', roles_position = 1000000 where user_id = $1",
      [uma.userId],
    );
    await other.stop();
    await server.raiseEpoch();
    other = await startAccounts(installation, { clock: () => now });
    expect((await other.by(uma.accessToken)).roles).toEqual([]);
    expect((await other.by((await other.login("root")).accessToken)).roles).toEqual(["admin", "compliance"]);
  });
});
