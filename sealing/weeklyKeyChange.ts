import type { Clock } from "../infra/ports/clock.ts";
import type { WeekKeys, WrappedSecrets } from "../infra/ports/secrets.ts";

const DAY_MS = 86_400_000;

export interface KeyChangeParts {
  readonly weekKeys: WeekKeys;
  readonly secrets: WrappedSecrets;
  readonly clock: Clock;
}

export interface KeyChange {
  readonly tenant: string;
  /** Secrets and day keys that were wrapped anew. */
  readonly rewrapped: number;
  /** Ids of the week keys that are gone. */
  readonly destroyed: readonly string[];
}

/** How old the newest key grows, and how long an old one outlives the making of its successor; in ms. */
export interface KeyAges {
  readonly renewAfterMs?: number;
  readonly keepMs?: number;
}

/**
 * Makes new week keys that are due, wraps all that lives under them, and destroys the old ones a while later: then no
 * backup of the secrets that is older opens. Run daily; it goes on where a run was killed, and beside another run.
 * Six days each, so that with a day until the next run an erasure is final within fourteen.
 */
export async function changeWeekKeys(
  { weekKeys, secrets, clock }: KeyChangeParts,
  { renewAfterMs = 6 * DAY_MS, keepMs = 6 * DAY_MS }: KeyAges = {},
): Promise<KeyChange[]> {
  const oldestFirst = async (tenant: string) =>
    (await weekKeys.list(tenant)).toSorted((one, other) => one.madeAt - other.madeAt);
  const changes: KeyChange[] = [];

  for (const tenant of await secrets.tenants()) {
    await secrets.whileNothingIsWrapped(async () => {
      const newest = (await oldestFirst(tenant)).at(-1);
      // Without any, `rewrap` says which is missing: making one here would hide it.
      if (newest && clock.now() - newest.madeAt >= renewAfterMs) await weekKeys.rotate(tenant);
    });

    let rewrapped = 0;
    for (let some = await secrets.rewrap(tenant); some > 0; some = await secrets.rewrap(tenant)) rewrapped += some;

    const destroyed = await secrets.whileNothingIsWrapped(async (inUse) => {
      const gone: string[] = [];
      const keys = await oldestFirst(tenant);
      for (const [at, { id }] of keys.entries()) {
        const successor = keys[at + 1];
        if (!successor || clock.now() - successor.madeAt < keepMs || (await inUse(tenant, id))) continue;
        await weekKeys.destroy(tenant, id);
        gone.push(id);
      }
      return gone;
    });
    changes.push({ tenant, rewrapped, destroyed });
  }
  return changes;
}
