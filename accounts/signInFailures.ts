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
  /** What runs now, by key; each resolves when its outcome is counted. */
  const running = new Map<string, Set<Promise<void>>>();

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

  return {
    async attempt({ tenant, username, address }, run) {
      const key = createHmac("sha256", parts.key)
        .update(JSON.stringify([tenant, username, address]))
        .digest();
      const name = key.toString("base64");
      for (;;) {
        const { failures, oldest } = await failuresOf(key);
        if (failures >= ALLOWED) {
          const freeAt = (oldest?.getTime() ?? clock.now()) + WINDOW_MS;
          const retryAfterSeconds = Math.max(1, Math.ceil((freeAt - clock.now()) / 1_000));
          return { ...reject("rate-limited", "too many failed sign-ins"), retryAfterSeconds };
        }
        const others = running.get(name) ?? new Set();
        if (failures + others.size >= ALLOWED) {
          await Promise.race(others);
          continue;
        }
        const outcome = counted(key, run);
        const settled = outcome.then(
          () => undefined,
          () => undefined,
        );
        running.set(name, others.add(settled));
        try {
          return await outcome;
        } finally {
          others.delete(settled);
          if (others.size === 0) running.delete(name);
        }
      }
    },
  };
}
