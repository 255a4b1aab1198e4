import { SignOutDevice } from "../commands/index.ts";
import type { By } from "../domain/by.ts";
import { isRejection, type Rejection } from "../domain/rejection.ts";
import { eraseCredentials } from "./accountRows.ts";
import { byTenant } from "./byTenant.ts";
import type { AccountParts } from "./parts.ts";
import { sendCommand } from "./sendCommand.ts";
import { activeDevices, revokeDevices } from "./sessions/deviceRows.ts";

/**
 * The part of an erasure that accounts have: nobody signs in as this person any more, and who is signed in is signed
 * out; groups that have no other owner get one. Doing it again goes on where it was stopped. The name stays taken for 30 days.
 */
export async function eraseAccount(
  parts: AccountParts,
  tenant: string,
  userId: string,
): Promise<Rejection | undefined> {
  const { engine, database, sessions, successions } = parts;
  const by: By = { ...byTenant(engine, tenant), userId };
  await eraseCredentials(database, tenant, userId, by.now);
  // Other processes learn of it by these events; here it holds from now on.
  sessions.revoked({ tenant, userId });
  await successions.owe({ tenant, userId, position: (await engine.log.head()).position });
  for (const deviceId of await activeDevices(database, tenant, userId)) {
    const signedOut = await sendCommand(SignOutDevice, { deviceId }, { ...by, deviceId }, engine);
    if (isRejection(signedOut)) return signedOut;
    await revokeDevices(database, tenant, { deviceIds: [deviceId] }, by.now);
  }
  return undefined;
}
