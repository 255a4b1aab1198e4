import { LRUCache } from "lru-cache";
import { type Rejection, reject } from "../../domain/rejection.ts";
import type { Clock } from "../../infra/ports/clock.ts";
import type { Database } from "../../infra/ports/database.ts";
import type { Ended, Identities, Identity } from "../../infra/ports/identity.ts";
import type { AccessClaims, AccessTokens } from "./accessTokens.ts";
import { type DeviceStanding, markPairUsed, standingOf } from "./deviceRows.ts";

export interface SessionSettings {
  /** Devices remembered. */
  readonly cached?: number;
  /** How long what is remembered is believed, should every word of its end be lost. */
  readonly cachedMs?: number;
}

export const signedOut: Rejection = reject("unauthenticated", "sign in first");

/** Answers whose token it is. Every end of a session is known here: in this process at once, from others by the log. */
export class Sessions implements Identities {
  readonly #database: Database;
  readonly #tokens: AccessTokens;
  readonly #clock: Clock;
  readonly #standings: LRUCache<string, DeviceStanding>;
  readonly #listeners = new Set<(ended: Ended) => void>();
  /** Raised by whatever may change a standing, so that one read before is not remembered after. */
  #changes = 0;
  #believing = false;

  constructor(
    parts: { database: Database; tokens: AccessTokens; clock: Clock },
    { cached = 50_000, cachedMs = 60_000 }: SessionSettings = {},
  ) {
    this.#database = parts.database;
    this.#tokens = parts.tokens;
    this.#clock = parts.clock;
    this.#standings = new LRUCache({ max: cached, ttl: cachedMs });
  }

  async authenticate(token: string): Promise<Identity | Rejection> {
    const claims = await this.#tokens.verify(token, new Date(this.#clock.now()));
    return claims ? this.#sessionOf(claims) : signedOut;
  }

  async renewed(identity: Identity): Promise<Identity | Rejection> {
    if (identity.expiresAt.getTime() <= this.#clock.now()) return signedOut;
    const standing = await this.#standing(identity.tenant, identity.deviceId);
    if (standing?.userId !== identity.userId) return signedOut;
    return { ...identity, roles: standing.roles, guest: standing.guest };
  }

  onRevoked(listener: (ended: Ended) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** To be told after the rows say so. */
  revoked(ended: Ended): void {
    this.changed(ended);
    for (const listener of this.#listeners) listener(ended);
  }

  /** A person's roles, or whether the account is open, may have changed. */
  changed({ tenant, userId, deviceId }: Ended): void {
    this.#changes++;
    if (deviceId !== undefined) this.#standings.delete(keyOf(tenant, deviceId));
    else
      for (const [key, standing] of this.#standings.entries())
        if (standing.userId === userId) this.#standings.delete(key);
  }

  /** While the log's word does not reach this process, every answer is read from the database. */
  believe(caughtUp: boolean): void {
    if (!caughtUp) this.#standings.clear();
    this.#changes++;
    this.#believing = caughtUp;
  }

  async #sessionOf(claims: AccessClaims): Promise<Identity | Rejection> {
    const { tenant, userId, deviceId, generation, expiresAt } = claims;
    let standing = await this.#standing(tenant, deviceId);
    // The pair was renewed in another process.
    if (standing && generation > standing.generation) standing = await this.#read(tenant, deviceId);
    if (standing?.userId !== userId) return signedOut;
    if (generation === standing.generation && !standing.pairUsed) {
      await markPairUsed(this.#database, { tenant, deviceId, generation, now: new Date(this.#clock.now()) });
      await this.#read(tenant, deviceId);
    }
    return { tenant, userId, deviceId, roles: standing.roles, guest: standing.guest, expiresAt };
  }

  async #standing(tenant: string, deviceId: string): Promise<DeviceStanding | undefined> {
    return this.#standings.get(keyOf(tenant, deviceId)) ?? this.#read(tenant, deviceId);
  }

  async #read(tenant: string, deviceId: string): Promise<DeviceStanding | undefined> {
    const before = this.#changes;
    const standing = await standingOf(this.#database, tenant, deviceId);
    if (this.#believing && this.#changes === before && standing) this.#standings.set(keyOf(tenant, deviceId), standing);
    return standing;
  }
}

const keyOf = (tenant: string, deviceId: string): string => `${tenant}/${deviceId}`;
