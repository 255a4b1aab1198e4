import { LogUnavailable } from "../ports/eventLog.ts";
import type { Append } from "./recorded.ts";

const MAX_BATCH_EVENTS = 512;
const MAX_BATCH_BYTES = 1024 * 1024;

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
export type CommitBatch<Outcome> = (batch: readonly Append[]) => Promise<(Outcome | Error)[]>;

/**
 * Whatever waits is committed together, without a timer: while one batch commits the next one forms, so that batches grow
 * with the load. A batch holds at most one append a stream, and a stream's appends keep their order.
 */
export class GroupCommit<Outcome> {
  readonly #commit: CommitBatch<Outcome>;
  readonly #maxWaitingEvents: number;
  #waiting: Waiting<Outcome>[] = [];
  #waitingEvents = 0;
  #draining: Promise<void> | undefined;

  constructor(commit: CommitBatch<Outcome>, maxWaitingEvents: number) {
    this.#commit = commit;
    this.#maxWaitingEvents = maxWaitingEvents;
  }

  /** @throws LogUnavailable when too much waits already */
  append(append: Append): Promise<Outcome> {
    const events = append.commands.reduce((sum, command) => sum + command.events.length, 0);
    if (this.#waitingEvents > 0 && this.#waitingEvents + events > this.#maxWaitingEvents)
      return Promise.reject(new LogUnavailable(`${this.#waitingEvents} events wait to be committed: try again later`));
    this.#waitingEvents += events;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ append, events, bytes: bytesOf(append), resolve, reject });
      this.#draining ??= this.#drain();
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#draining;
  }

  async #drain(): Promise<void> {
    // What the same turn of the event loop appends goes in one batch.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#commitOne(this.#take());
    this.#draining = undefined;
  }

  #take(): Waiting<Outcome>[] {
    const batch: Waiting<Outcome>[] = [];
    const later: Waiting<Outcome>[] = [];
    const streams = new Set<string>();
    let events = 0;
    let bytes = 0;
    let full = false;
    for (const one of this.#waiting) {
      full ||= batch.length > 0 && (events + one.events > MAX_BATCH_EVENTS || bytes + one.bytes > MAX_BATCH_BYTES);
      if (full || streams.has(one.append.stream)) {
        later.push(one);
        continue;
      }
      streams.add(one.append.stream);
      batch.push(one);
      events += one.events;
      bytes += one.bytes;
    }
    this.#waiting = later;
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
      for (const { events } of batch) this.#waitingEvents -= events;
    }
  }
}
