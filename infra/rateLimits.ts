import type { RateLimit } from "./ports/door.ts";
import type { Allowance, RateLimits } from "./ports/rateLimits.ts";

/** `burst` at once, then one each `everyMs`. */
interface Budget {
  readonly burst: number;
  readonly everyMs: number;
}

export const rateLimits: Readonly<Record<RateLimit, Budget>> = {
  sends: { burst: 100, everyMs: 50 },
  search: { burst: 5, everyMs: 200 },
  uploads: { burst: 10, everyMs: 6_000 },
  "sign-in": { burst: 10, everyMs: 6_000 },
};

export const unlimited: RateLimits = { take: () => ({ ok: true }) };

interface MemoryRateLimits extends RateLimits {
  take(limit: RateLimit, key: string): Allowance;
}

/**
 * Token buckets in this process's memory. `nowMs` is a clock that never goes back. Of more than `maxKeys` keys the one
 * that was quiet longest is forgotten, which can only allow more.
 */
export function memoryRateLimits(
  nowMs: () => number = () => performance.now(),
  maxKeys = 100_000,
  budgets: Readonly<Record<RateLimit, Budget>> = rateLimits,
): MemoryRateLimits {
  /** When each bucket is full again. */
  const fullAt = new Map<string, number>();
  return {
    take(limit, key) {
      const { burst, everyMs } = budgets[limit];
      const name = `${limit} ${key}`;
      const now = nowMs();
      const before = Math.max(fullAt.get(name) ?? now, now);
      const missingMs = before + everyMs - now - burst * everyMs;
      const ok = missingMs <= 0;
      // Taken out and put back, so that the map's order is that of their last use.
      fullAt.delete(name);
      fullAt.set(name, ok ? before + everyMs : before);
      if (fullAt.size > maxKeys) {
        const [quietest] = fullAt.keys();
        if (quietest !== undefined) fullAt.delete(quietest);
      }
      return ok ? { ok } : { ok, retryAfterSeconds: Math.max(1, Math.ceil(missingMs / 1_000)) };
    },
  };
}
