import type { Batch } from "../ports/eventLog.ts";

const MAX_EVENTS = 4096;
const MAX_BYTES = 16 * 1024 * 1024;

const bytesOf = ({ events }: Batch) =>
  events.reduce((sum, { data, meta, sealed }) => sum + data.length + meta.length + (sealed?.ciphertext.length ?? 0), 0);

const lastOf = ({ events, after }: Batch) => events.at(-1)?.position ?? after;

/**
 * The newest part of the log, as this process wrote it: a subscriber that stands exactly where a batch begins gets it from
 * memory. Each batch says itself what it follows, so that what others wrote in between only makes a chain end.
 */
export class Tail {
  readonly #batches = new Map<number, { readonly batch: Batch; readonly bytes: number }>();
  readonly #waiting = new Set<{ readonly after: number; readonly wake: () => void }>();
  #events = 0;
  #bytes = 0;
  #head = 0;

  /** The last position known to be committed. */
  get head(): number {
    return this.#head;
  }

  add(batch: Batch): void {
    const bytes = bytesOf(batch);
    this.#batches.set(batch.after, { batch, bytes });
    this.#events += batch.events.length;
    this.#bytes += bytes;
    for (const [after, oldest] of this.#batches) {
      if (this.#events <= MAX_EVENTS && this.#bytes <= MAX_BYTES) break;
      this.#batches.delete(after);
      this.#events -= oldest.batch.events.length;
      this.#bytes -= oldest.bytes;
    }
    this.advance(lastOf(batch));
  }

  /** Something is committed up to this position, by whomever. */
  advance(head: number): void {
    if (head <= this.#head) return;
    this.#head = head;
    for (const waiter of this.#waiting) if (waiter.after < head) waiter.wake();
  }

  /** What directly follows a position, up to some `limit` events, where it is in memory. */
  from(after: number, limit: number): Batch | undefined {
    const first = this.#batches.get(after)?.batch;
    if (!first) return undefined;
    let last = lastOf(first);
    let next = this.#batches.get(last)?.batch;
    if (!next) return first;
    const events = [...first.events];
    while (next && events.length + next.events.length <= limit) {
      events.push(...next.events);
      last = lastOf(next);
      next = this.#batches.get(last)?.batch;
    }
    return { after, events };
  }

  /** Resolves when the log is known to go beyond a position, or the signal is raised. */
  async beyond(after: number, signal: AbortSignal): Promise<void> {
    if (this.#head > after || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const waiter = { after, wake };
    this.#waiting.add(waiter);
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    this.#waiting.delete(waiter);
    signal.removeEventListener("abort", wake);
  }
}
