import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";
import type { AccountParts } from "../parts.ts";

/** What signing in and renewing answer. */
export const SignedIn = z.object({
  accessToken: z.string(),
  refreshToken: z.string(),
  expiresIn: z.int().describe("Seconds until the access token ends."),
  userId: Uuid,
  deviceId: Uuid,
});

interface PairOf {
  readonly tenant: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly seed: Uint8Array;
  readonly generation: number;
  readonly issuedAt: Date;
}

/** The two tokens of a generation: the same whenever they are asked for. */
export async function pairOf(
  { accessTokens, refreshTokens }: AccountParts,
  { issuedAt, ...device }: PairOf,
  now: Date,
): Promise<z.output<typeof SignedIn>> {
  const endsAt = Math.floor(issuedAt.getTime() / 1_000) + accessTokens.lifetimeSeconds;
  return {
    accessToken: await accessTokens.issue(device, issuedAt),
    refreshToken: refreshTokens.make(device, device.generation),
    expiresIn: Math.max(0, Math.ceil(endsAt - now.getTime() / 1_000)),
    userId: device.userId,
    deviceId: device.deviceId,
  };
}
