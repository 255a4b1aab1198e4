import { LogUnavailable } from "../ports/eventLog.ts";
import type { Append } from "./recorded.ts";

const MAX_BATCH_EVENTS = 512;
const MAX_BATCH_BYTES = 1024 * 1024;
/** Batches sent at once: while the database is at one, the next is encoded, sent and waits at its lock. */
export const MAX_IN_FLIGHT = 2;
/** What makes a second batch worth its own commit; of fewer events one batch is faster than two. */
const WORTH_A_SECOND_EVENTS = 128;

interface Waiting<Outcome> {
  readonly append: Append;
  readonly events: number;
  readonly bytes: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: unknown) => void;
}

const bytesOf = ({ commands }: Append) =>
  commands
    .flatMap(({ events }) => events)
    .reduce(
      (sum, { data, meta, sealed }) => sum + data.length + meta.length + (sealed?.ciphertext.length ?? 0) + 100,
      0,
    );

/** One outcome an append, in their order; an Error is that append's alone. Rejects with what happened to all of them. */
export type CommitBatch<Outcome> = (batch: readonly Append[]) => Promise<readonly (Outcome | Error)[]>;

/**
 * Whatever waits is committed together, without a timer: while batches commit the next one forms, so that batches grow
 * with the load. A stream is in one batch at a time, with one append, so that a stream's appends keep their order.
 */
export class GroupCommit<Outcome> {
  readonly #commit: CommitBatch<Outcome>;
  readonly #maxWaitingEvents: number;
  readonly #inFlight = new Set<Promise<void>>();
  readonly #streamsInFlight = new Set<string>();
  #waiting: Waiting<Outcome>[] = [];
  #waitingEvents = 0;
  #eventsInFlight = 0;
  #scheduled = false;

  constructor(commit: CommitBatch<Outcome>, maxWaitingEvents: number) {
    this.#commit = commit;
    this.#maxWaitingEvents = maxWaitingEvents;
  }

  /** @throws LogUnavailable when too much waits already */
  append(append: Append): Promise<Outcome> {
    const events = append.commands.reduce((sum, command) => sum + command.events.length, 0);
    const before = this.#waitingEvents + this.#eventsInFlight;
    if (before > 0 && before + events > this.#maxWaitingEvents)
      return Promise.reject(new LogUnavailable(`${before} events wait to be committed: try again later`));
    this.#waitingEvents += events;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ append, events, bytes: bytesOf(append), resolve, reject });
      this.#schedule();
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.#waiting.length > 0 || this.#inFlight.size > 0) {
      await Promise.all(this.#inFlight);
      await Promise.resolve();
    }
  }

  /** What the same turn of the event loop appends, on whatever socket it came, goes in one batch. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      while (this.#mayStart()) {
        const batch = this.#take();
        if (batch.length === 0) break;
        const running = this.#commitOne(batch).finally(() => {
          this.#inFlight.delete(running);
          this.#schedule();
        });
        this.#inFlight.add(running);
      }
    });
  }

  #mayStart(): boolean {
    const { size } = this.#inFlight;
    return size === 0 ? this.#waiting.length > 0 : size < MAX_IN_FLIGHT && this.#waitingEvents >= WORTH_A_SECOND_EVENTS;
  }

  #take(): Waiting<Outcome>[] {
    // With enough for two, two halves overlap where a whole would wait for its own answer.
    const half = this.#inFlight.size === 0 && this.#waitingEvents >= 2 * WORTH_A_SECOND_EVENTS;
    const maxEvents = half ? MAX_BATCH_EVENTS / 2 : MAX_BATCH_EVENTS;
    const batch: Waiting<Outcome>[] = [];
    const later: Waiting<Outcome>[] = [];
    let events = 0;
    let bytes = 0;
    let full = false;
    for (const one of this.#waiting) {
      full ||= batch.length > 0 && (events + one.events > maxEvents || bytes + one.bytes > MAX_BATCH_BYTES);
      if (full || this.#streamsInFlight.has(one.append.stream)) {
        later.push(one);
        continue;
      }
      this.#streamsInFlight.add(one.append.stream);
      batch.push(one);
      events += one.events;
      bytes += one.bytes;
    }
    this.#waiting = later;
    this.#waitingEvents -= events;
    this.#eventsInFlight += events;
    return batch;
  }

  async #commitOne(batch: readonly Waiting<Outcome>[]): Promise<void> {
    try {
      const outcomes = await this.#commit(batch.map(({ append }) => append));
      batch.forEach(({ resolve, reject }, at) => {
        const outcome = outcomes[at];
        if (outcome === undefined) reject(new Error("the log gave no outcome for an append"));
        else if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      for (const { append, events } of batch) {
        this.#streamsInFlight.delete(append.stream);
        this.#eventsInFlight -= events;
      }
    }
  }
}
