import type { DomainEvent } from "../../domain/event.ts";
import { type Rejection, reject } from "../../domain/rejection.ts";
import type { Done, Pending } from "./pending.ts";

/**
 * A command in a mailbox, with the promise of its answer. The first answer counts, and there is one by the deadline
 * whatever the log does: where an append hangs, whoever waits is told so, and a retry finds out what came of it.
 */
export class Waiting<State, Event extends DomainEvent> {
  readonly pending: Pending<State, Event>;
  readonly answer: Promise<Done<Event> | Rejection>;
  /** An append of it was begun, so it may be in the log, whatever is decided later. */
  mayBeRecorded = false;
  readonly #resolve: (outcome: Done<Event> | Rejection) => void;
  readonly #reject: (error: unknown) => void;
  readonly #deadline: NodeJS.Timeout;
  #answered = false;

  constructor(pending: Pending<State, Event>, deadlineMs: number) {
    const { promise, resolve, reject: fail } = Promise.withResolvers<Done<Event> | Rejection>();
    this.pending = pending;
    this.answer = promise;
    this.#resolve = resolve;
    this.#reject = fail;
    this.#deadline = setTimeout(
      () => this.settle(reject("unavailable", "it could not be decided in time: send it again with the same key")),
      deadlineMs,
    );
  }

  get answered(): boolean {
    return this.#answered;
  }

  settle(outcome: Done<Event> | Rejection): void {
    this.#end();
    this.#resolve(outcome);
  }

  fail(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    clearTimeout(this.#deadline);
    this.#answered = true;
  }
}
