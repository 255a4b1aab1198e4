import { SignOutDevice } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import type { AccountParts } from "../parts.ts";
import { sendCommand } from "../sendCommand.ts";
import { revokeDevices } from "./deviceRows.ts";

/** Signs a device of the caller's out: once this resolves its tokens are worth nothing, and its sockets were told. */
export async function endSession(parts: AccountParts, deviceId: string, by: By): Promise<Rejection | undefined> {
  const { engine, database, sessions } = parts;
  const { key: _, ...keyless } = by;
  const recorded = await sendCommand(SignOutDevice, { deviceId }, keyless, engine);
  if (isRejection(recorded)) return recorded;
  await revokeDevices(database, by.tenant, { deviceIds: [deviceId] }, by.now);
  sessions.revoked({ tenant: by.tenant, userId: by.userId, deviceId });
  return undefined;
}
