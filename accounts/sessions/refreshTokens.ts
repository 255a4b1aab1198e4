import { createHmac, timingSafeEqual } from "node:crypto";
import { TenantName, Uuid } from "../../domain/ids.ts";

/** What a refresh token says of itself; nothing of it counts before `isGenuine`. */
export interface ClaimedRefresh {
  readonly tenant: string;
  readonly deviceId: string;
  readonly generation: number;
  readonly proof: Buffer;
}

export interface RefreshTokens {
  make(device: { tenant: string; deviceId: string; seed: Uint8Array }, generation: number): string;
  read(token: string): ClaimedRefresh | undefined;
  /** Whether we made it, now or ever, for the device with this seed. Takes as long where there is no such device. */
  isGenuine(claimed: ClaimedRefresh, seed: Uint8Array | undefined): boolean;
}

const FORM = /^([a-z0-9-]{1,32})\.([0-9a-f-]{36})\.(\d{1,9})\.([A-Za-z0-9_-]{43})$/;
const NO_SEED = new Uint8Array(32);

/**
 * Refresh tokens are derived, generation by generation, and never stored: a repeated answer is the same, and an old one
 * is recognised however old it is. It takes both the device's seed (in the database) and the key (outside it).
 * @param key 32 bytes
 */
export function createRefreshTokens(key: Uint8Array): RefreshTokens {
  const prove = (tenant: string, deviceId: string, generation: number, seed: Uint8Array) =>
    createHmac("sha256", key)
      .update(JSON.stringify([tenant, deviceId, generation, Buffer.from(seed).toString("base64")]))
      .digest();
  return {
    make({ tenant, deviceId, seed }, generation) {
      const proof = prove(tenant, deviceId, generation, seed).toString("base64url");
      return [tenant, deviceId, generation, proof].join(".");
    },
    read(token) {
      const [, tenant, deviceId, generation, proof] = FORM.exec(token) ?? [];
      if (!TenantName.safeParse(tenant).success || !tenant || !deviceId || !generation || !proof) return undefined;
      if (!Uuid.safeParse(deviceId).success) return undefined;
      return { tenant, deviceId, generation: Number(generation), proof: Buffer.from(proof, "base64url") };
    },
    isGenuine({ tenant, deviceId, generation, proof }, seed) {
      const expected = prove(tenant, deviceId, generation, seed ?? NO_SEED);
      return proof.length === expected.length && timingSafeEqual(proof, expected) && seed !== undefined;
    },
  };
}
