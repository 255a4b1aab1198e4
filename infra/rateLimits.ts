import type { RateLimit } from "./ports/door.ts";
import type { Allowance, RateLimits } from "./ports/rateLimits.ts";

interface Bucket {
  tokens: number;
  at: number;
}

interface Budget {
  readonly burst: number;
  readonly perSecond: number;
}

export const rateLimits: Readonly<Record<RateLimit, Budget>> = {
  sends: { burst: 100, perSecond: 20 },
  search: { burst: 5, perSecond: 5 },
  uploads: { burst: 10, perSecond: 10 / 60 },
  "sign-in": { burst: 10, perSecond: 10 / 60 },
};

export const unlimited: RateLimits = { take: () => ({ ok: true }) };

/**
 * Token buckets in this process's memory. `nowMs` is a clock that never goes back. Of more than `maxKeys` keys the one
 * that was quiet longest is forgotten, which can only allow more.
 */
export function memoryRateLimits(
  nowMs: () => number = () => performance.now(),
  maxKeys = 100_000,
  budgets: Readonly<Record<RateLimit, Budget>> = rateLimits,
): RateLimits & { take(limit: RateLimit, key: string): Allowance } {
  const buckets = new Map<string, Bucket>();
  return {
    take(limit, key) {
      const { burst, perSecond } = budgets[limit];
      const name = `${limit} ${key}`;
      const now = nowMs();
      const known = buckets.get(name) ?? { tokens: burst, at: now };
      const tokens = Math.min(burst, known.tokens + ((now - known.at) / 1_000) * perSecond);
      const ok = tokens >= 1;
      // Taken out and put back, so that the map's order is that of their last use.
      buckets.delete(name);
      buckets.set(name, { tokens: ok ? tokens - 1 : tokens, at: now });
      if (buckets.size > maxKeys) {
        const [quietest] = buckets.keys();
        if (quietest !== undefined) buckets.delete(quietest);
      }
      return ok ? { ok } : { ok, retryAfterSeconds: Math.max(1, Math.ceil((1 - tokens) / perSecond)) };
    },
  };
}
