import type { RateLimit } from "./door.ts";

export type Allowance = { readonly ok: true } | { readonly ok: false; readonly retryAfterSeconds: number };

/** How often something may be asked for; `key` is a device or an address. Another adapter may share it among processes. */
export interface RateLimits {
  take(limit: RateLimit, key: string): Allowance | Promise<Allowance>;
}
