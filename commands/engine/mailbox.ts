import type { DomainEvent } from "../../domain/event.ts";
import { placed } from "../../domain/event.ts";
import type { StreamId } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { LogUnavailable, type NewCommand, type RecordedEvent, UnknownOutcome } from "../../infra/ports/eventLog.ts";
import { KeysUnavailable } from "../../infra/ports/secrets.ts";
import { dayBucket } from "../../sealing/bucket.ts";
import { ContentErased } from "../../sealing/sealing.ts";
import { type DecidedWaiting, decideTurn, type Refused } from "./decideTurn.ts";
import type { AggregateDeclaration } from "./deciding.ts";
import type { Engine } from "./engine.ts";
import { type Loaded, load, loadTail, UnknownEventMet } from "./load.ts";
import { fetchNeeds } from "./needs.ts";
import type { Done, Pending } from "./pending.ts";
import { answerOfRecorded, recordable } from "./record.ts";
import { Waiting } from "./waiting.ts";

/** For how long a state that was at the head allows what leads to no event: other processes write, too. */
const ALLOWS_FOR_MS = 1_000;

/** Tries after which a turn that still fails leaves others some time between two of them. */
const HURRIED_TRIES = 8;

/**
 * The queue before one stream. Commands are decided in order against cached state, and what they lead to is appended
 * together. Correctness rests on the expected revision alone: the mailbox is for speed.
 */
export class Mailbox<State, Event extends DomainEvent> {
  readonly #stream: StreamId;
  readonly #aggregate: AggregateDeclaration<State, Event>;
  readonly #engine: Engine;
  readonly #queue: Waiting<State, Event>[] = [];
  #running = false;
  /** Undefined whenever it may differ from what the log holds. */
  #loaded: Loaded<State> | undefined;
  /** When the state was last known to be at the head, by `performance.now()`. */
  #atHeadAt = Number.NEGATIVE_INFINITY;
  /** The log's own day, where it refused ours. */
  #dayOfLog: string | undefined;

  constructor(stream: StreamId, aggregate: AggregateDeclaration<State, Event>, engine: Engine) {
    this.#stream = stream;
    this.#aggregate = aggregate;
    this.#engine = engine;
  }

  get idle(): boolean {
    return !this.#running && this.#queue.length === 0;
  }

  send(pending: Pending<State, Event>): Promise<Done<Event> | Rejection> {
    const { limits } = this.#engine;
    if (this.#queue.length >= limits.queue)
      return Promise.resolve(reject("unavailable", "too much waits to be decided here: send it again later"));
    const waiting = new Waiting(pending, limits.deadlineMs);
    this.#queue.push(waiting);
    if (!this.#running) void this.#run();
    return waiting.answer;
  }

  async #run(): Promise<void> {
    this.#running = true;
    // What all sockets bring in the same turn of the event loop is decided together.
    await new Promise((resume) => setImmediate(resume));
    while (this.#queue.length > 0) await this.#take(this.#queue.splice(0, this.#engine.limits.turn));
    this.#running = false;
  }

  /** Goes on until each of them has its answer. Never throws: whatever happens is told to those who wait. */
  async #take(turn: readonly Waiting<State, Event>[]): Promise<void> {
    let waiting = turn;
    for (let tries = 0; ; tries++) {
      waiting = waiting.filter(({ answered }) => !answered);
      if (waiting.length === 0) return;
      if (tries >= HURRIED_TRIES) await pause(10);
      try {
        waiting = await this.#attempt(waiting);
      } catch (error) {
        waiting = await this.#recover(waiting, error, tries);
      }
    }
  }

  /** Gives back those that are to be tried again. */
  async #recover(
    waiting: readonly Waiting<State, Event>[],
    error: unknown,
    tries: number,
  ): Promise<readonly Waiting<State, Event>[]> {
    const couldLoad = this.#loaded !== undefined;
    this.#loaded = undefined;
    if (error instanceof UnknownOutcome) {
      await pause(Math.min(50 * 2 ** tries, 1_000));
      return waiting;
    }
    const passing =
      error instanceof LogUnavailable || error instanceof KeysUnavailable || error instanceof UnknownEventMet;
    if (!passing && couldLoad && waiting.length > 1) {
      // One of them broke it: alone, it breaks for itself only.
      for (const one of waiting) await this.#take([one]);
      return [];
    }
    for (const one of waiting) {
      if (passing) one.settle(reject("unavailable", error.message));
      else one.fail(error);
    }
    return [];
  }

  /** Decides all of them and appends what they lead to. Gives back those that may have to be decided once more. */
  async #attempt(turn: readonly Waiting<State, Event>[]): Promise<readonly Waiting<State, Event>[]> {
    const engine = this.#engine;
    const startedAt = performance.now();
    const loaded = await this.#state();
    const expected = loaded.revision;
    const { authorise } = this.#aggregate;
    const admitted = turn.filter(({ pending }) => !authorise?.(loaded.state, pending.sender));
    const needs = admitted.map(({ pending }) => pending);
    const fetched = await fetchNeeds(needs, this.#stream, this.#aggregate, loaded, engine);
    const day = this.#dayOfLog ?? dayBucket(engine.clock.now(), engine.lastRecordedAt.value);
    this.#dayOfLog = undefined;
    const decisions = decideTurn(turn, new Set(admitted), loaded, fetched, this.#aggregate, day, engine.limits);
    const { decided, refused, again } = decisions;
    const decidedAt = performance.now();

    if (decided.length === 0) {
      if (!(await this.#mayRefuse(refused, loaded))) return turn;
      await this.#settleRefused(refused);
      return again;
    }
    const events = await this.#append(decided, expected, day);
    if (!events) {
      this.#loaded = undefined;
      return turn;
    }
    this.#atHeadAt = decidedAt;
    this.#settleAppended(decided, events);
    await this.#settleRefused(refused);
    engine.onTurn?.({
      kind: this.#aggregate.kind,
      commands: decided.length,
      events: events.length,
      decideMs: decidedAt - startedAt,
      appendMs: performance.now() - decidedAt,
    });
    loaded.keepSnapshot(engine);
    return again;
  }

  async #state(): Promise<Loaded<State>> {
    if (this.#loaded) return this.#loaded;
    const loadedAt = performance.now();
    this.#loaded = await load(this.#stream, this.#aggregate, this.#engine);
    this.#atHeadAt = loadedAt;
    return this.#loaded;
  }

  /** False where the state was not that of the head: it is now, and all must be decided again. */
  async #mayRefuse(refused: readonly Refused<State, Event>[], loaded: Loaded<State>): Promise<boolean> {
    const checkedAt = performance.now();
    const allowed = refused.every(({ outcome }) => outcome === "allowed");
    if (allowed && checkedAt - this.#atHeadAt < ALLOWS_FOR_MS) return true;
    const current = (await this.#engine.log.revision(this.#stream)) === loaded.revision;
    if (!current) await loadTail(this.#stream, this.#aggregate, this.#engine, loaded);
    this.#atHeadAt = checkedAt;
    return current;
  }

  /** What was recorded, or undefined where they must be decided again; those that need not be have their answer. */
  async #append(
    decided: readonly DecidedWaiting<State, Event>[],
    expected: number,
    day: string,
  ): Promise<readonly RecordedEvent[] | undefined> {
    const commands = await this.#seal(decided, expected, day);
    if (!commands) return undefined;
    for (const { waiting } of decided) waiting.mayBeRecorded = true;
    const outcome = await this.#engine.log.append(this.#stream, expected, commands);
    switch (outcome.status) {
      case "ok":
        return outcome.events;
      case "conflict":
        return undefined;
      case "stale-bucket":
        this.#dayOfLog = outcome.day;
        return undefined;
      case "duplicate": {
        const known = new Set(outcome.commandIds);
        const retried = decided.filter(({ sender }) => known.has(sender.commandId));
        await Promise.all(retried.map(({ waiting }) => this.#settleRetried(waiting)));
        return undefined;
      }
      default:
        return outcome satisfies never;
    }
  }

  /** Undefined where the content of some can no longer be sealed: they are told so. */
  async #seal(
    decided: readonly DecidedWaiting<State, Event>[],
    expected: number,
    day: string,
  ): Promise<NewCommand[] | undefined> {
    try {
      return await recordable(this.#stream, decided, day, this.#engine);
    } catch (error) {
      if (!(error instanceof ContentErased)) throw error;
    }
    // A name was redacted since, and the stream tells whose secret the next one takes: what is known here is behind.
    if ((await this.#engine.log.revision(this.#stream)) !== expected) return undefined;
    for (const one of decided) {
      try {
        await recordable(this.#stream, [one], day, this.#engine);
      } catch (error) {
        if (!(error instanceof ContentErased)) throw error;
        one.waiting.settle(reject("erased", "what it amends, or whose it would be, was erased"));
      }
    }
    return undefined;
  }

  #settleAppended(decided: readonly DecidedWaiting<State, Event>[], events: readonly RecordedEvent[]): void {
    let next = 0;
    const { lastRecordedAt } = this.#engine;
    for (const { waiting, events: own } of decided) {
      const first = events[next]?.revision ?? 0;
      next += own.length;
      const last = events[next - 1];
      if (!last) throw new Error(`the log gave back fewer events than ${this.#stream} appended`);
      lastRecordedAt.value = Math.max(lastRecordedAt.value, last.recordedAt);
      const placedEvents = own.map((event, index) => placed(event, first + index));
      waiting.settle({ events: placedEvents, position: last.position, revision: last.revision });
    }
  }

  async #settleRefused(refused: readonly Refused<State, Event>[]): Promise<void> {
    await Promise.all(
      refused.map(async ({ waiting, outcome, final }) => {
        if (outcome === "allowed") return waiting.settle({ events: [], position: 0, revision: 0 });
        const mayBeRetry = waiting.mayBeRecorded || (waiting.pending.keyed && !final);
        if (mayBeRetry && (await this.#settleRetried(waiting))) return;
        if (isRejection(outcome)) return waiting.settle(outcome);
        const position = await this.#positionOf(outcome.unchanged);
        waiting.settle({ events: [], position, revision: outcome.unchanged });
      }),
    );
  }

  async #positionOf(revision: number): Promise<number> {
    for await (const event of this.#engine.log.readStream(this.#stream, revision, 1)) return event.position;
    throw new Error(`${this.#stream} has no revision ${revision}`);
  }

  /** True where the command was recorded before: it gets its first answer, or is told that it is not the same. */
  async #settleRetried(waiting: Waiting<State, Event>): Promise<boolean> {
    const { pending } = waiting;
    const recorded = await this.#engine.log.find(this.#stream, pending.sender.commandId);
    if (!recorded) return false;
    waiting.settle(await answerOfRecorded(recorded, pending, this.#aggregate, this.#engine));
    return true;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resume) => setTimeout(resume, ms));
