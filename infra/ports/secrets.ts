/** A secret was destroyed, so what it sealed is gone for ever. */
export const destroyed: unique symbol = Symbol("destroyed");

/** The key store does not answer, or a key that must be there is missing. Never to be taken for "erased". */
export class KeysUnavailable extends Error {
  override name = "KeysUnavailable";
}

export interface SecretName {
  readonly tenant: string;
  /** A subject secret's person or conversation, or a bucket secret's stream. */
  readonly of: string;
  /** Of a bucket secret: its UTC day or `-`. */
  readonly bucket?: string;
}

/**
 * The two halves of content keys, wrapped at rest. What `ensure` gave out is durably stored before it resolves.
 * @throws KeysUnavailable from every method when the store or the outer key does not answer
 */
export interface SecretStore {
  /** Makes what is missing; 32 bytes each, in the order asked. A destroyed one stays destroyed. */
  ensure(names: readonly SecretName[]): Promise<(Uint8Array | typeof destroyed)[]>;
  /** 32 bytes each. `undefined`: there never was one. */
  get(names: readonly SecretName[]): Promise<(Uint8Array | typeof destroyed | undefined)[]>;
  /**
   * Irrevocable, but for what holds keep. Gives the ledger's new head.
   * @param authors whose content may lie in the buckets that go: a hold may need to know
   */
  destroy(names: readonly SecretName[], authors?: readonly string[]): Promise<number>;
  /** The head of the erasure ledger, and what was destroyed after a given head. */
  ledger(after: number): Promise<{ readonly head: number; readonly destroyed: readonly SecretName[] }>;
}

/** Which buckets there are to be retired. Throws KeysUnavailable likewise. */
export interface Buckets {
  /** Those of conversations, of days before one, by day: at most `limit`. */
  before(
    tenant: string,
    day: string,
    limit: number,
  ): Promise<{ readonly conversationId: string; readonly day: string }[]>;
}

/** The outermost keys, kept where the database's backups do not reach: a file on a laptop, a KMS in production. */
export interface WeekKeys {
  /** The key that wraps now, made when there is none yet: its id and 32 bytes. */
  current(tenant: string): Promise<{ readonly id: string; readonly key: Uint8Array }>;
  /** @throws KeysUnavailable when it is not there */
  get(tenant: string, id: string): Promise<Uint8Array>;
  /** Makes a new current key; the old ones stay until destroyed. */
  rotate(tenant: string): Promise<{ readonly id: string; readonly key: Uint8Array }>;
  destroy(tenant: string, id: string): Promise<void>;
  /** Ids with the time they were made (ms). */
  list(tenant: string): Promise<{ readonly id: string; readonly madeAt: number }[]>;
}

/** The same store, for whoever changes the week keys. Throws KeysUnavailable likewise. */
export interface WrappedSecrets {
  /** Those that have any secret. */
  tenants(): Promise<string[]>;
  /** Wraps some anew, under the tenant's current week key, that others wrap: how many; 0 when all are. */
  rewrap(tenant: string): Promise<number>;
  /** Runs `work` while no process wraps anything, so that a week key which is not in use then never is again. */
  whileNothingIsWrapped<T>(
    work: (inUse: (tenant: string, weekKey: string) => Promise<boolean>) => Promise<T>,
  ): Promise<T>;
}
