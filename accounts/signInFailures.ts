import { createHmac } from "node:crypto";
import { type Rejection, reject } from "../domain/rejection.ts";
import type { Clock } from "../infra/ports/clock.ts";
import type { Database } from "../infra/ports/database.ts";

const ALLOWED = 10;
const WINDOW_MS = 15 * 60_000;

export interface SignInFailures {
  /**
   * Runs an attempt, counted where it gives undefined. After ten failures in 15 minutes for a name from an address
   * none is made; attempts that run at once count as failed until they have an outcome.
   */
  attempt<T>(
    from: { tenant: string; username: string; address: string },
    run: () => Promise<T | undefined>,
  ): Promise<T | undefined | Rejection>;
}

/** Failures are kept in the database, for all processes and over a restart, under a keyed hash. @param key 32 bytes */
export function createSignInFailures(parts: { database: Database; clock: Clock; key: Uint8Array }): SignInFailures {
  const { database, clock } = parts;
  const underWay = new Map<string, Attempts>();

  async function failuresOf(key: Buffer): Promise<{ failures: number; oldest: Date | null }> {
    const { rows } = await database.query<{ failures: number; oldest: Date | null }>(
      "select count(*) as failures, min(at) as oldest from accounts.sign_in_failures where key = $1 and at > $2",
      [key, new Date(clock.now() - WINDOW_MS)],
      "accounts.failures",
    );
    return rows[0] ?? { failures: 0, oldest: null };
  }

  async function counted<T>(key: Buffer, run: () => Promise<T | undefined>): Promise<T | undefined> {
    const outcome = await run();
    if (outcome !== undefined) return outcome;
    const now = clock.now();
    await database.query(
      `with old as (delete from accounts.sign_in_failures where at < $3)
       insert into accounts.sign_in_failures (key, at) values ($1, $2)`,
      [key, new Date(now), new Date(now - 2 * WINDOW_MS)],
    );
    return undefined;
  }

  function refusal(oldest: Date | null): Rejection {
    const freeAt = (oldest?.getTime() ?? clock.now()) + WINDOW_MS;
    const retryAfterSeconds = Math.max(1, Math.ceil((freeAt - clock.now()) / 1_000));
    return { ...reject("rate-limited", "too many failed sign-ins"), retryAfterSeconds };
  }

  return {
    async attempt({ tenant, username, address }, run) {
      const key = createHmac("sha256", parts.key)
        .update(JSON.stringify([tenant, username, address]))
        .digest();
      const name = key.toString("base64");
      const attempts = underWay.get(name) ?? { running: new Set(), settled: 0, present: 0 };
      underWay.set(name, attempts);
      attempts.present++;
      try {
        for (;;) {
          const settledBefore = attempts.settled;
          const { failures, oldest } = await failuresOf(key);
          if (failures >= ALLOWED) return refusal(oldest);
          // One that was counted meanwhile is in neither number.
          if (attempts.settled !== settledBefore) continue;
          if (failures + attempts.running.size < ALLOWED) break;
          await Promise.race(attempts.running);
        }
        return await runAmong(attempts, () => counted(key, run));
      } finally {
        attempts.present--;
        if (attempts.present === 0) underWay.delete(name);
      }
    },
  };
}

/** Of one key, in this process. */
interface Attempts {
  /** Each resolves when its outcome is counted. */
  readonly running: Set<Promise<void>>;
  settled: number;
  /** Attempts that run or wait. */
  present: number;
}

async function runAmong<T>(attempts: Attempts, run: () => Promise<T>): Promise<T> {
  const outcome = run();
  const settled = outcome.then(
    () => undefined,
    () => undefined,
  );
  attempts.running.add(settled);
  try {
    return await outcome;
  } finally {
    attempts.running.delete(settled);
    attempts.settled++;
  }
}
