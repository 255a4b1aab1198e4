import { createSecretKey, hash, type KeyObject } from "node:crypto";
import { jwtVerify, SignJWT } from "jose";
import { JOSEError } from "jose/errors";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { TenantName, Uuid } from "../../domain/ids.ts";

/** What a token proves. Ids only: it may end up in logs of others. */
export interface AccessClaims {
  readonly tenant: string;
  readonly userId: string;
  readonly deviceId: string;
  /** Of the pair of tokens that it belongs to. */
  readonly generation: number;
  readonly expiresAt: Date;
}

export interface AccessTokens {
  /** The same claims issued at the same second give the same token. */
  issue(claims: Omit<AccessClaims, "expiresAt">, issuedAt: Date): Promise<string>;
  /** Undefined for whatever is not a living token of ours. */
  verify(token: string, now: Date): Promise<AccessClaims | undefined>;
  readonly lifetimeSeconds: number;
}

const NAME = "scripta";
const TYPE = "at+jwt";

const Claims = z.object({
  sub: Uuid,
  tenant: TenantName,
  device: Uuid,
  generation: z.int().min(0),
  exp: z.int(),
});

/** Tokens whose signature is remembered: verifying one again costs a thirtieth. */
const REMEMBERED = 20_000;

/**
 * JSON Web Tokens under HMAC-SHA-256; no other algorithm is known here, whatever a token's header says.
 * @param key 32 bytes
 * @see RFC 7519, RFC 8725 §3.1
 */
export function createAccessTokens(key: Uint8Array, lifetimeSeconds: number): AccessTokens {
  const signing = createSecretKey(key);
  /** By their SHA-256; whether one has ended is judged each time. */
  const verified = new LRUCache<string, AccessClaims>({ max: REMEMBERED });
  return {
    lifetimeSeconds,

    issue({ tenant, userId, deviceId, generation }, issuedAt) {
      const seconds = Math.floor(issuedAt.getTime() / 1_000);
      return new SignJWT({ tenant, device: deviceId, generation })
        .setProtectedHeader({ alg: "HS256", typ: TYPE })
        .setIssuer(NAME)
        .setAudience(NAME)
        .setSubject(userId)
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + lifetimeSeconds)
        .sign(signing);
    },

    async verify(token, now) {
      const digest = hash("sha256", token, "base64");
      const claims = verified.get(digest) ?? (await claimsOf(token, signing, now));
      if (!claims || claims.expiresAt <= now) return undefined;
      verified.set(digest, claims);
      return claims;
    },
  };
}

async function claimsOf(token: string, key: KeyObject, now: Date): Promise<AccessClaims | undefined> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ["HS256"],
      typ: TYPE,
      issuer: NAME,
      audience: NAME,
      currentDate: now,
    });
    const { sub, tenant, device, generation, exp } = Claims.parse(payload);
    return { tenant, userId: sub, deviceId: device, generation, expiresAt: new Date(exp * 1_000) };
  } catch (error) {
    if (error instanceof JOSEError || error instanceof z.ZodError) return undefined;
    throw error;
  }
}
