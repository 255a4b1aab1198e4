import { randomBytes } from "node:crypto";
import type { z } from "zod";
import { type DeviceDescription, SignInDevice } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import type { AccountParts } from "../parts.ts";
import { sendCommand } from "../sendCommand.ts";
import { addDevice, revokeDevices } from "./deviceRows.ts";
import { pairOf, type SignedIn } from "./pairs.ts";

/** A new device for a person whose credentials were proved. */
export async function openSession(
  parts: AccountParts,
  person: { tenant: string; userId: string },
  device: z.output<typeof DeviceDescription>,
  by: By,
): Promise<z.output<typeof SignedIn> | Rejection> {
  const { engine, database } = parts;
  const { tenant, userId } = person;
  const deviceId = engine.newId();
  const seed = randomBytes(32);
  // The row is first: a device that the log knows can always be signed out.
  await addDevice(database, { tenant, deviceId, userId, seed, now: by.now });
  const { key: _, ...keyless } = by;
  const asThePerson: By = { ...keyless, tenant, userId, deviceId, roles: [], guest: false };
  const recorded = await sendCommand(SignInDevice, { ...device, deviceId }, asThePerson, engine);
  if (isRejection(recorded)) {
    await revokeDevices(database, tenant, { deviceIds: [deviceId] }, by.now);
    return recorded;
  }
  return pairOf(parts, { tenant, userId, deviceId, seed, generation: 0, issuedAt: by.now }, by.now);
}
