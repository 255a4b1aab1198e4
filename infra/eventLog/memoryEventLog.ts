import type { StreamId } from "../../domain/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type {
  Appended,
  Batch,
  EventLog,
  NewCommand,
  NotAppended,
  RecordedCommand,
  RecordedEvent,
  Subscription,
} from "../ports/eventLog.ts";
import { type Append, checkAppend, dayName, dayNumber, recorded } from "./recorded.ts";
import { subscription } from "./subscription.ts";
import { Tail } from "./tail.ts";

const PAGE = 1_000;

/** The log without a database, for tests: it keeps the same promises but that of outliving its process. */
export class MemoryEventLog implements EventLog {
  readonly #events: RecordedEvent[] = [];
  readonly #streams = new Map<string, RecordedEvent[]>();
  readonly #commands = new Map<string, RecordedCommand>();
  readonly #tail = new Tail();
  readonly #clock: Clock;

  constructor(clock: Clock = { now: () => Date.now() }) {
    this.#clock = clock;
  }

  async append(
    stream: StreamId,
    expected: number | "any",
    commands: readonly NewCommand[],
  ): Promise<Appended | NotAppended> {
    const append = { stream, expected, commands };
    checkAppend(append);
    const last = this.#events.at(-1);
    const recordedAt = Math.max(last?.recordedAt ?? 0, this.#clock.now());
    const revision = (this.#streams.get(stream)?.length ?? 0) - 1;
    const position = (last?.position ?? 0) + 1;
    return this.#refusal(append, revision, recordedAt) ?? this.#take(append, position, revision + 1, recordedAt);
  }

  async find(stream: StreamId, commandId: string): Promise<RecordedCommand | undefined> {
    return this.#commands.get(`${stream} ${commandId}`);
  }

  async readTarget(stream: StreamId, target: string): Promise<RecordedEvent[]> {
    return (this.#streams.get(stream) ?? []).filter((event) => event.target === target);
  }

  async knownTargets(stream: StreamId, among: readonly string[]): Promise<ReadonlySet<string>> {
    const known = new Set((this.#streams.get(stream) ?? []).map(({ target }) => target));
    return new Set(among.filter((target) => known.has(target)));
  }

  async *readStream(stream: StreamId, from = 0, limit = Number.POSITIVE_INFINITY): AsyncIterable<RecordedEvent> {
    yield* (this.#streams.get(stream) ?? []).slice(from, from + limit);
  }

  async *readAll(after: number, limit = Number.POSITIVE_INFINITY): AsyncIterable<RecordedEvent> {
    yield* this.#events.slice(after, after + limit);
  }

  async revision(stream: StreamId): Promise<number> {
    return (this.#streams.get(stream)?.length ?? 0) - 1;
  }

  async head(): Promise<{ position: number; recordedAt: number }> {
    const last = this.#events.at(-1);
    return { position: last?.position ?? 0, recordedAt: last?.recordedAt ?? 0 };
  }

  async epoch(): Promise<number> {
    return 1;
  }

  subscribe(after: number, onBatch: (batch: Batch) => Promise<void>): Subscription {
    const source = {
      next: async (position: number) => {
        const events = this.#events.slice(position, position + PAGE);
        return events.length > 0 ? { after: position, events } : undefined;
      },
      beyond: (position: number, signal: AbortSignal) => this.#tail.beyond(position, signal),
    };
    return subscription(source, after, onBatch);
  }

  #refusal({ stream, expected, commands }: Append, revision: number, recordedAt: number): NotAppended | undefined {
    const commandIds = commands
      .map(({ commandId }) => commandId)
      .filter((commandId) => this.#commands.has(`${stream} ${commandId}`));
    if (commandIds.length > 0) return { status: "duplicate", commandIds };
    if (expected !== "any" && expected !== revision) return { status: "conflict", revision };
    const today = dayNumber(recordedAt);
    const stale = commands
      .flatMap(({ events }) => events)
      .some(({ checkDay, sealed }) => {
        const age = checkDay && sealed && sealed.bucket !== "-" ? today - dayNumber(Date.parse(sealed.bucket)) : 0;
        return age !== 0 && age !== 1;
      });
    return stale ? { status: "stale-bucket", day: dayName(recordedAt) } : undefined;
  }

  #take(append: Append, position: number, revision: number, recordedAt: number): Appended {
    const events = recorded(append, { position, revision, recordedAt });
    const stream = this.#streams.get(append.stream) ?? [];
    stream.push(...events);
    this.#streams.set(append.stream, stream);
    this.#events.push(...events);
    for (const { commandId, actorId, payloadHash } of append.commands)
      this.#commands.set(`${append.stream} ${commandId}`, {
        actorId,
        payloadHash,
        events: events.filter((event) => event.commandId === commandId),
      });
    this.#tail.advance(events.at(-1)?.position ?? 0);
    return { status: "ok", events };
  }
}
