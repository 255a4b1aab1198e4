import { KeysUnavailable, type SecretName, type SecretStore } from "../infra/ports/secrets.ts";

/** For how long a process uses what it holds after the head of the ledger was confirmed. */
export const CONFIRMED_FOR_MS = 5_000;

export interface ErasureLedgerSettings {
  /** How often the head is confirmed, in ms. */
  readonly pollMs?: number;
  /** For how long a confirmation holds, in ms: no erasure takes longer than this to reach every process. */
  readonly holdsMs?: number;
}

/** What this process knows of the erasure ledger, and since when. */
export interface ErasureLedger {
  /** The head was confirmed recently enough for keys that are held here to be used. */
  fresh(): boolean;
  /** Asks for the head and passes on what was destroyed. @throws KeysUnavailable */
  confirm(): Promise<void>;
  /** Confirms once, then goes on confirming. @throws KeysUnavailable */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** A link that hangs is as good as one that is down. */
async function within<T>(limitMs: number, asking: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new KeysUnavailable(`the erasure ledger did not answer within ${limitMs} ms`)),
    limitMs,
  );
  try {
    return await Promise.race([asking, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param now a clock that is never set back, in ms
 * @param forget drops what is held of these secrets; called before the head counts as confirmed
 */
export function followErasureLedger(
  secrets: SecretStore,
  now: () => number,
  forget: (destroyed: readonly SecretName[]) => void,
  { pollMs = 2_000, holdsMs = CONFIRMED_FOR_MS }: ErasureLedgerSettings,
): ErasureLedger {
  let head: number | undefined;
  let confirmedAt = Number.NEGATIVE_INFINITY;
  let confirming: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let running = false;

  const ask = async () => {
    const askedAt = now();
    // At first nothing is held, so of what was destroyed before only the head matters.
    const asking = secrets.ledger(head ?? Number.MAX_SAFE_INTEGER);
    const { head: answered, destroyed } = await within(holdsMs, asking);
    if (head !== undefined && answered < head)
      throw new KeysUnavailable(
        `the erasure ledger went back from ${head} to ${answered}: the keys were restored from an old backup; replay the newer ledger, then restart`,
      );
    forget(destroyed);
    head = answered;
    confirmedAt = askedAt;
  };
  const confirm = () => {
    confirming ??= ask().finally(() => {
      confirming = undefined;
    });
    return confirming;
  };
  const poll = async () => {
    // A failure is told to whoever needs a key, by name, once the last confirmation no longer holds.
    await confirm().catch(() => undefined);
    if (running) timer = setTimeout(poll, pollMs).unref();
  };

  return {
    fresh: () => now() - confirmedAt < holdsMs,
    confirm,
    async start() {
      await confirm();
      running = true;
      timer = setTimeout(poll, pollMs).unref();
    },
    async stop() {
      running = false;
      clearTimeout(timer);
      await confirming?.catch(() => undefined);
    },
  };
}
