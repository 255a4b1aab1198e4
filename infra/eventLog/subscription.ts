import type { Batch, Subscription } from "../ports/eventLog.ts";

export interface Source {
  /** What directly follows a position; `undefined` when there is nothing yet. */
  next(after: number): Promise<Batch | undefined>;
  /** Resolves when there may be something beyond a position, or the signal is raised. */
  beyond(after: number, signal: AbortSignal): Promise<void>;
}

/** Reads from a source for as long as nobody stops it, one batch at a time. */
export function subscription(source: Source, from: number, onBatch: (batch: Batch) => Promise<void>): Subscription {
  const stopped = new AbortController();
  const { signal } = stopped;

  async function run(): Promise<void> {
    let after = from;
    while (!signal.aborted) {
      const batch = await source.next(after);
      if (signal.aborted) return;
      if (batch) {
        await onBatch(batch);
        after = batch.events.at(-1)?.position ?? after;
      } else await source.beyond(after, signal);
    }
  }

  const ended = run();
  return {
    ended,
    async stop() {
      stopped.abort();
      await ended.catch(() => undefined); // whoever waits for `ended` is told
    },
  };
}
