import type { z } from "zod";
import type { By } from "../../domain/by.ts";
import type { Rejection } from "../../domain/rejection.ts";
import type { AccountParts } from "../parts.ts";
import { lockCredentials, revokeDevices, rotate } from "./deviceRows.ts";
import { endSession } from "./endSession.ts";
import { pairOf, type SignedIn } from "./pairs.ts";
import { signedOut } from "./sessions.ts";

/** How long a device that missed the answer may ask again with the token that it had. */
const REPEAT_MS = 60_000;
const DAY_MS = 86_400_000;

type Renewal =
  | {
      readonly is: "renewed";
      readonly userId: string;
      readonly seed: Uint8Array;
      readonly generation: number;
      readonly issuedAt: Date;
    }
  | { readonly is: "refused" }
  | { readonly is: "stolen"; readonly userId: string };

/**
 * A new pair of tokens for a refresh token. One that was used before is given the same pair again for a minute, while
 * that pair is unused; after that somebody else has it, and the device is signed out.
 */
export async function renewSession(
  parts: AccountParts,
  refreshToken: string,
  by: By,
): Promise<z.output<typeof SignedIn> | Rejection> {
  const claimed = parts.refreshTokens.read(refreshToken);
  if (!claimed) return signedOut;
  const { tenant, deviceId } = claimed;
  const now = by.now;
  const renewal = await parts.database.transaction(async (tx): Promise<Renewal> => {
    const device = await lockCredentials(tx, tenant, deviceId);
    const genuine = parts.refreshTokens.isGenuine(claimed, device?.seed);
    if (!device?.active || !genuine) return { is: "refused" };
    const { userId, seed, generation, rotatedAt } = device;
    const ageMs = now.getTime() - rotatedAt.getTime();
    // A later one than we know of was given out before a backup was restored: the device has not done anything wrong.
    if (claimed.generation >= generation) {
      if (ageMs > parts.deviceIdleDays * DAY_MS) return { is: "refused" };
      const next = claimed.generation + 1;
      await rotate(tx, { tenant, deviceId, generation: next, now });
      return { is: "renewed", userId, seed, generation: next, issuedAt: now };
    }
    if (claimed.generation === generation - 1 && !device.pairUsed && ageMs <= REPEAT_MS)
      return { is: "renewed", userId, seed, generation, issuedAt: rotatedAt };
    return { is: "stolen", userId };
  });
  switch (renewal.is) {
    case "refused":
      return signedOut;
    case "stolen": {
      const { userId } = renewal;
      const asThePerson: By = { ...by, tenant, userId, deviceId, roles: [], guest: false };
      if (await endSession(parts, deviceId, asThePerson)) {
        // The log does not take it now; the device ends all the same.
        await revokeDevices(parts.database, tenant, { deviceIds: [deviceId] }, now);
        parts.sessions.revoked({ tenant, userId, deviceId });
      }
      return signedOut;
    }
    case "renewed": {
      const { userId, seed, generation, issuedAt } = renewal;
      parts.sessions.changed({ tenant, userId, deviceId });
      return pairOf(parts, { tenant, userId, deviceId, seed, generation, issuedAt }, now);
    }
  }
}
