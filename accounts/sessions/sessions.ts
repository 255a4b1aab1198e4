import { LRUCache } from "lru-cache";
import { type Rejection, reject } from "../../domain/rejection.ts";
import type { ServerRole } from "../../domain/tenant/events.ts";
import type { Clock } from "../../infra/ports/clock.ts";
import type { Database } from "../../infra/ports/database.ts";
import type { AccessClaims, AccessTokens } from "./accessTokens.ts";
import { type DeviceStanding, markPairUsed, standingOf } from "./deviceRows.ts";

/** A signed-in device. What it says of roles holds at the moment; ask again for each command. */
export interface Session {
  readonly tenant: string;
  readonly userId: string;
  readonly deviceId: string;
  readonly roles: readonly ServerRole[];
  readonly guest: boolean;
  /** When the token ends. */
  readonly expiresAt: Date;
}

/** Sessions that ended before their tokens did: one device's, or all of a person's. */
export interface Revoked {
  readonly tenant: string;
  readonly userId: string;
  readonly deviceId?: string;
}

export interface SessionSettings {
  /** Devices remembered. */
  readonly cached?: number;
  /** How long what is remembered is believed, should every word of its end be lost. */
  readonly cachedMs?: number;
}

export const signedOut: Rejection = reject("unauthenticated", "sign in first");

/** Answers whose token it is. Every end of a session is known here: in this process at once, from others by the log. */
export class Sessions {
  readonly #database: Database;
  readonly #tokens: AccessTokens;
  readonly #clock: Clock;
  readonly #standings: LRUCache<string, DeviceStanding>;
  readonly #listeners = new Set<(revoked: Revoked) => void>();
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

  async authenticate(token: string): Promise<Session | Rejection> {
    const claims = await this.#tokens.verify(token, new Date(this.#clock.now()));
    return claims ? this.#sessionOf(claims) : signedOut;
  }

  /** The session as it stands now: for sockets, which authenticated once and live on. */
  async renewed(session: Session): Promise<Session | Rejection> {
    if (session.expiresAt.getTime() <= this.#clock.now()) return signedOut;
    const standing = await this.#standing(session.tenant, session.deviceId);
    if (standing?.userId !== session.userId) return signedOut;
    return { ...session, roles: standing.roles, guest: standing.guest };
  }

  /** Calls back for every session that ends here or, within a second, in another process. Gives what stops it. */
  onRevoked(listener: (revoked: Revoked) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** To be told after the rows say so. */
  revoked(revoked: Revoked): void {
    this.changed(revoked);
    for (const listener of this.#listeners) listener(revoked);
  }

  /** A person's roles, or whether the account is open, may have changed. */
  changed({ tenant, userId, deviceId }: Revoked): void {
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

  async #sessionOf(claims: AccessClaims): Promise<Session | Rejection> {
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
