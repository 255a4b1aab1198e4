import { afterAll, beforeAll, expect, test } from "vitest";
import { isRejection, type Rejection } from "../domain/rejection.ts";
import type { Reply } from "../infra/ports/door.ts";
import { done, type Installation, newInstallation, startAccounts } from "../test/support/accounts.ts";
import { Deactivate, Reactivate, SetRoles } from "./doors/admin.ts";

type Process = Awaited<ReturnType<typeof startAccounts>>;

let installation: Installation;
let here: Process;
let there: Process;
let root: string;
let dora: string;

beforeAll(async () => {
  installation = await newInstallation();
  here = await startAccounts(installation);
  there = await startAccounts(installation);
  const first = await here.admin();
  root = first.userId;
  dora = (await here.person("dora")).userId;
  done(await SetRoles.run({ userId: dora, roles: ["admin"] }, await here.by(first.accessToken), here.parts));
});
afterAll(async () => {
  await there.stop();
  await here.stop();
  await installation.db.drop();
});

const tokenOf = async (userId: string) => (await here.login(userId === root ? "root" : "dora")).accessToken;
const deactivate = async (userId: string, token: string, at: Process) => {
  const by = await at.by(token);
  return () => Deactivate.run({ userId }, by, at.parts);
};
const stepDown = async (userId: string, token: string, at: Process) => {
  const by = await at.by(token);
  return () => SetRoles.run({ userId, roles: [] }, by, at.parts);
};

/** Both begin at once. Gives how many were done. */
async function together(...acts: readonly (() => Promise<Reply<unknown> | Rejection>)[]): Promise<number> {
  const outcomes = await Promise.all(acts.map((act) => act()));
  return outcomes.filter((outcome) => !isRejection(outcome)).length;
}

/** Whoever is left makes the other an administrator again. */
async function restore(): Promise<void> {
  for (const [userId, other] of [
    [root, dora],
    [dora, root],
  ] as const) {
    const name = userId === root ? "root" : "dora";
    const signedIn = await here.login(name).catch(() => undefined);
    const by = signedIn && (await here.by(signedIn.accessToken));
    if (!by?.roles.includes("admin")) continue;
    done(await Reactivate.run({ userId: other }, by, here.parts));
    done(await SetRoles.run({ userId: other, roles: ["admin"] }, by, here.parts));
    return;
  }
  throw new Error("no administrator is left");
}

test.each(["one process", "two processes"])(
  "of two administrators who shut each other's account at the same moment one stays, in %s",
  async (where) => {
    const second = where === "one process" ? here : there;
    for (let round = 0; round < 4; round++) {
      const [roots, doras] = [await tokenOf(root), await tokenOf(dora)];
      expect(await together(await deactivate(dora, roots, here), await deactivate(root, doras, second))).toBe(1);
      await restore();
    }
  },
);

test("of two who step down at the same moment, or one of whom is shut out, one stays", async () => {
  for (let round = 0; round < 4; round++) {
    const [roots, doras] = [await tokenOf(root), await tokenOf(dora)];
    const leaving = await stepDown(root, roots, here);
    const other = await (round % 2 ? stepDown(dora, doras, there) : deactivate(dora, roots, there));
    expect(await together(leaving, other)).toBe(1);
    await restore();
  }
});

test("an administrator who was shut out a moment ago shuts nobody out", async () => {
  const late = await deactivate(root, await tokenOf(dora), there);
  done(await (await deactivate(dora, await tokenOf(root), here))());
  expect(await late()).toMatchObject({ rejected: "forbidden" });
  await restore();
});
