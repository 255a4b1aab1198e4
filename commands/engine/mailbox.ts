import { type DomainEvent, placed } from "../../domain/event.ts";
import type { StreamId } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { LogUnavailable, type NewCommand, UnknownOutcome } from "../../infra/ports/eventLog.ts";
import { KeysUnavailable } from "../../infra/ports/secrets.ts";
import { ContentErased } from "../../sealing/sealing.ts";
import { dayBucket } from "../../sealing/bucket.ts";
import type { About, AggregateDeclaration, Unchanged } from "../command.ts";
import type { Engine } from "./engine.ts";
import { load, type Loaded, loadTail, UnknownEventMet } from "./load.ts";
import { aboutOf, type Fetched, fetchNeeds, meet } from "./needs.ts";
import type { Done, Pending } from "./pending.ts";
import { answerOfRecorded, bucketOf, type Decided, recordable, targetOf } from "./record.ts";

interface Waiting<State, Event extends DomainEvent> extends Pending<State, Event> {
  readonly deadline: number;
  settle(outcome: Done<Event> | Rejection): void;
  fail(error: unknown): void;
}

interface Refused<State, Event extends DomainEvent> {
  readonly waiting: Waiting<State, Event>;
  readonly outcome: Rejection | Unchanged | "allowed";
  /** Refused before its key counts. */
  readonly final: boolean;
}

type DecidedWaiting<State, Event extends DomainEvent> = Decided<Event> & { readonly waiting: Waiting<State, Event> };

/**
 * The queue before one stream. Commands are decided in order against cached state, and what they lead to is appended
 * together. Correctness rests on the expected revision alone: the mailbox is for speed.
 */
export class Mailbox<State, Event extends DomainEvent> {
  readonly #stream: StreamId;
  readonly #aggregate: AggregateDeclaration<State, Event>;
  readonly #engine: Engine;
  #queue: Waiting<State, Event>[] = [];
  #running = false;
  #loaded: Loaded<State> | undefined;

  constructor(stream: StreamId, aggregate: AggregateDeclaration<State, Event>, engine: Engine) {
    this.#stream = stream;
    this.#aggregate = aggregate;
    this.#engine = engine;
  }

  get idle(): boolean {
    return !this.#running && this.#queue.length === 0;
  }

  send(pending: Pending<State, Event>): Promise<Done<Event> | Rejection> {
    const { limits, clock } = this.#engine;
    if (this.#queue.length >= limits.queue)
      return Promise.resolve(reject("unavailable", "too many commands wait for this conversation"));
    const deadline = clock.now() + limits.deadlineMs;
    return new Promise((settle, fail) => {
      this.#queue.push({ ...pending, deadline, settle, fail });
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#queue.length > 0) {
      const turn = this.#queue.splice(0, this.#engine.limits.turn);
      await this.#take(turn);
    }
    this.#running = false;
  }

  async #take(turn: Waiting<State, Event>[]): Promise<void> {
    let waiting = turn;
    for (let attempt = 0; waiting.length > 0; attempt++) {
      waiting = this.#withinDeadline(waiting);
      try {
        waiting = await this.#attempt(waiting);
      } catch (error) {
        this.#loaded = undefined;
        if (error instanceof UnknownOutcome) await pause(Math.min(50 * 2 ** attempt, 1_000));
        else waiting = this.#giveUp(waiting, error);
      }
    }
  }

  #withinDeadline(waiting: Waiting<State, Event>[]): Waiting<State, Event>[] {
    const now = this.#engine.clock.now();
    return waiting.filter((one) => {
      if (one.deadline > now) return true;
      one.settle(reject("unavailable", "it could not be decided in time; send it again with the same key"));
      return false;
    });
  }

  #giveUp(waiting: readonly Waiting<State, Event>[], error: unknown): [] {
    const passing =
      error instanceof LogUnavailable || error instanceof KeysUnavailable || error instanceof UnknownEventMet;
    for (const one of waiting) {
      if (passing) one.settle(reject("unavailable", error.message));
      else one.fail(error);
    }
    return [];
  }

  /** Decides all of them, appends what they lead to, and gives back those that must be decided once more. */
  async #attempt(turn: Waiting<State, Event>[]): Promise<Waiting<State, Event>[]> {
    if (turn.length === 0) return [];
    const engine = this.#engine;
    const startedAt = performance.now();
    this.#loaded ??= await load(this.#stream, this.#aggregate, engine);
    const loaded = this.#loaded;
    const expected = loaded.revision;
    const fetched = await fetchNeeds(turn, this.#stream, this.#aggregate, loaded, engine);
    const day = dayBucket(engine.clock.now(), engine.lastRecordedAt.value);
    const { decided, refused, again } = this.#decide(turn, loaded, fetched, day);
    const decidedAt = performance.now();

    if (decided.length === 0) {
      if (refused.some(({ outcome }) => outcome !== "allowed") && !(await this.#atHead(loaded))) return turn;
      await this.#settleRefused(refused);
      return again;
    }
    const sealed = await this.#seal(decided, day);
    if ("erased" in sealed) {
      this.#loaded = undefined;
      return turn.filter((one) => !sealed.erased.has(one));
    }
    const outcome = await engine.log.append(this.#stream, expected, sealed.commands);
    if (outcome.status !== "ok") {
      this.#loaded = undefined;
      if (outcome.status === "stale-bucket")
        engine.lastRecordedAt.value = Math.max(engine.lastRecordedAt.value, Date.parse(outcome.day));
      if (outcome.status !== "duplicate") return turn;
      const before = new Set(outcome.commandIds);
      const retried = turn.filter((one) => before.has(one.sender.commandId));
      await Promise.all(retried.map((one) => this.#settleRetried(one)));
      return turn.filter((one) => !before.has(one.sender.commandId));
    }
    this.#settleAppended(decided, outcome.events);
    await this.#settleRefused(refused);
    engine.onTurn?.({
      kind: this.#aggregate.kind,
      commands: decided.length,
      events: outcome.events.length,
      decideMs: decidedAt - startedAt,
      appendMs: performance.now() - decidedAt,
    });
    loaded.keepSnapshot(engine);
    return again;
  }

  #decide(
    turn: readonly Waiting<State, Event>[],
    loaded: Loaded<State>,
    fetched: Fetched<Event>,
    day: string,
  ) {
    const decided: DecidedWaiting<State, Event>[] = [];
    const refused: Refused<State, Event>[] = [];
    const again: Waiting<State, Event>[] = [];
    const seen = new Set<string>();
    const decidedAbout = new Map<string, About<Event>[]>();
    for (const waiting of turn) {
      const { sender } = waiting;
      if (seen.has(sender.commandId)) {
        again.push(waiting);
        continue;
      }
      const unauthorised = this.#aggregate.authorise?.(loaded.state, sender);
      if (unauthorised) {
        refused.push({ waiting, outcome: unauthorised, final: true });
        continue;
      }
      const outcome = waiting.decide(loaded.state, meet(fetched, decidedAbout, this.#engine.limits));
      if (outcome === "allowed" || isRejection(outcome) || "unchanged" in outcome) {
        refused.push({ waiting, outcome, final: false });
        continue;
      }
      seen.add(sender.commandId);
      for (const event of outcome) {
        loaded.revision++;
        const facts = placed(event, loaded.revision);
        this.#aggregate.evolve(loaded.state, facts);
        const target = targetOf(event);
        if (target === null) continue;
        const about = aboutOf<Event>(facts, event.sealed === undefined ? undefined : bucketOf(event, day), event.sealed);
        decidedAbout.set(target, [...(decidedAbout.get(target) ?? []), about]);
      }
      decided.push({ waiting, name: waiting.name, payload: waiting.payload, sender, events: outcome });
    }
    return { decided, refused, again };
  }

  /** Those whose content can no longer be sealed are told so, and the others decided anew. */
  async #seal(
    decided: readonly DecidedWaiting<State, Event>[],
    day: string,
  ): Promise<{ commands: NewCommand[] } | { erased: ReadonlySet<Waiting<State, Event>> }> {
    try {
      return { commands: await recordable(this.#stream, decided, day, this.#engine) };
    } catch (error) {
      if (!(error instanceof ContentErased)) throw error;
    }
    const erased = new Set<Waiting<State, Event>>();
    for (const one of decided) {
      try {
        await recordable(this.#stream, [one], day, this.#engine);
      } catch (error) {
        if (!(error instanceof ContentErased)) throw error;
        erased.add(one.waiting);
        one.waiting.settle(reject("erased", "what it amends, or whose it would be, was erased"));
      }
    }
    return { erased };
  }

  async #atHead(loaded: Loaded<State>): Promise<boolean> {
    if ((await this.#engine.log.revision(this.#stream)) === loaded.revision) return true;
    await loadTail(this.#stream, this.#aggregate, this.#engine, loaded);
    return false;
  }

  #settleAppended(
    decided: readonly DecidedWaiting<State, Event>[],
    events: readonly { position: number; revision: number; recordedAt: number }[],
  ): void {
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
        if (waiting.keyed && !final && (await this.#settleRetried(waiting))) return;
        if (isRejection(outcome)) return waiting.settle(outcome);
        const position = await this.#positionOf(outcome.unchanged);
        waiting.settle({ events: [], position, revision: outcome.unchanged });
      }),
    );
  }

  async #positionOf(revision: number): Promise<number> {
    for await (const event of this.#engine.log.readStream(this.#stream, revision)) return event.position;
    throw new Error(`${this.#stream} has no revision ${revision}`);
  }

  /** True where the command was recorded before: it gets its first answer, or is told that it is not the same. */
  async #settleRetried(waiting: Waiting<State, Event>): Promise<boolean> {
    const recorded = await this.#engine.log.find(this.#stream, waiting.sender.commandId);
    if (!recorded) return false;
    waiting.settle(await answerOfRecorded(recorded, waiting, this.#aggregate, this.#engine));
    return true;
  }
}

const pause = (ms: number): Promise<void> => new Promise((resume) => setTimeout(resume, ms));
