import { z } from "zod";
import { RegisterUser } from "../commands/index.ts";
import type { By } from "../domain/by.ts";
import { createdId } from "../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../domain/rejection.ts";
import { DisplayName, Username } from "../domain/user/profile.ts";
import { accountNamed, claimName, confirmRegistered, type NamedAccount, releaseName } from "./accountRows.ts";
import type { AccountParts } from "./parts.ts";
import { sendCommand } from "./sendCommand.ts";

export const Registration = z.strictObject({
  username: Username,
  password: z
    .string()
    .min(10)
    .max(128)
    .refine((password) => password.isWellFormed() && !password.includes("\u0000"), "not well-formed text"),
  displayName: DisplayName,
});

interface Registered {
  readonly userId: string;
  readonly position: number;
  readonly revision: number;
}

/**
 * Makes a local account: claims the name, records the event, confirms the claim. Killed between two of these, a retry
 * with the same key goes on where it stopped; without one, the log's own word completes what was recorded, and a claim
 * that came to nothing is free again after half a minute.
 */
export async function registerAccount(
  parts: AccountParts,
  registration: z.output<typeof Registration> & { tenant: string },
  by: By,
): Promise<Registered | Rejection> {
  const { engine, database, passwords } = parts;
  const checked = Registration.safeParse({
    username: registration.username,
    password: registration.password,
    displayName: registration.displayName,
  });
  if (!checked.success) return reject("validation-failed", "the name or the password is not allowed");
  const { tenant, username, displayName, password } = registration;
  const usernameHash = await engine.sealing.lookupHash(tenant, "username", username);
  const commandId = by.key ?? engine.newId();
  await releaseName(database, tenant, usernameHash, by.now);
  const named = await accountNamed(database, tenant, usernameHash);
  if (named?.registered) return again(parts, registration, named, by);

  const passwordHash = await passwords.hash(password);
  const newUserId = by.key
    ? createdId("user", tenant, Buffer.from(usernameHash).toString("hex"), by.key)
    : engine.newId();
  const claim = { tenant, userId: newUserId, usernameHash, passwordHash, commandId, now: by.now };
  const userId = await claimName(database, claim);
  if (userId === undefined) {
    const winner = await accountNamed(database, tenant, usernameHash);
    if (!winner) return used;
    return winner.registered ? again(parts, registration, winner, by) : taken;
  }
  const recorded = await record(parts, { tenant, userId, username, displayName, commandId }, by);
  if (isRejection(recorded)) return recorded;
  await confirmRegistered(database, { tenant, userId, passwordHash, commandId, now: by.now });
  return recorded;
}

const taken = reject("conflict", "the name is taken");
const used = reject("conflict", "the key was used for an account that is no more: use another one");

/** The same registration again is given the same answer; everybody else learns that the name is taken. */
async function again(
  parts: AccountParts,
  { tenant, username, displayName, password }: z.output<typeof Registration> & { tenant: string },
  { userId, commandId, passwordHash }: NamedAccount,
  by: By,
): Promise<Registered | Rejection> {
  if (by.key === undefined || by.key !== commandId) return taken;
  if (!(await parts.passwords.verify(password, passwordHash))) return taken;
  return record(parts, { tenant, userId, username, displayName, commandId }, by);
}

async function record(
  { engine }: AccountParts,
  account: { tenant: string; userId: string; username: string; displayName: string; commandId: string },
  by: By,
): Promise<Registered | Rejection> {
  const { tenant, userId, username, displayName, commandId } = account;
  const asThePerson: By = { ...by, tenant, userId, deviceId: null, roles: [], guest: false, key: commandId };
  const placed = await sendCommand(RegisterUser, { username, displayName, imported: false }, asThePerson, engine);
  return isRejection(placed) ? placed : { userId, ...placed };
}
