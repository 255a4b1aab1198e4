import type { ServerRole } from "./tenant/events.ts";

/** Who asks, and when it arrived. */
export interface By {
  readonly tenant: string;
  readonly userId: string;
  readonly deviceId: string | null;
  readonly roles: readonly ServerRole[];
  /** The account counts as guest in every conversation. */
  readonly guest: boolean;
  readonly now: Date;
  /** What is recorded names nobody: it will be shown to whoever is told why something is gone. */
  readonly unnamed?: true;
  /** The idempotency key that came with the request, a UUID; absent where none came. */
  readonly key?: string;
  /** The network address it came from, for limits alone; never recorded in clear. */
  readonly address?: string;
  /** Why it is asked for, in that person's words: personal, kept sealed. */
  readonly purpose?: string;
  readonly correlationId: string;
  readonly traceparent?: string;
}
