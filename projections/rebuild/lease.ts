import { setTimeout as pause } from "node:timers/promises";
import type { Database } from "../../infra/ports/database.ts";
import { RebuildRunning, RebuildStuck } from "./faults.ts";

/** Held, with a read model's name, by the one process that rebuilds it. */
const REBUILDING = 7_301_003;
const HEARTBEAT_MS = 1_000;

/**
 * Runs work that nobody else does at the same time for any of these read models. The lease is a lock of a transaction
 * that does nothing else: it ends with its process, however that ends.
 * @throws RebuildRunning
 */
export function withLease<T>(
  database: Database,
  names: readonly string[],
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return database.transaction(async (lease) => {
    for (const name of [...names].sort()) {
      const { rows } = await lease.query<{ ours: boolean }>(
        "select pg_try_advisory_xact_lock($1, hashtext($2)) as ours",
        [REBUILDING, name],
      );
      if (!rows[0]?.ours) throw new RebuildRunning(`${name} is being rebuilt already: wait for it, or give it up`);
    }
    const lost = new AbortController();
    const done = new AbortController();
    const beats = (async () => {
      for (;;) {
        await pause(HEARTBEAT_MS, undefined, { signal: done.signal }).catch(() => {});
        if (done.signal.aborted) return;
        await lease.query("select 1");
      }
    })().catch((cause: unknown) => {
      lost.abort(new RebuildStuck("the link to the database broke: run it again to go on", { cause }));
    });
    try {
      return await work(AbortSignal.any([signal, lost.signal]));
    } finally {
      done.abort();
      await beats;
    }
  });
}
