import { type StreamId, streamId } from "../../domain/ids.ts";
import type { Engine, MarkNow } from "../engine/engine.ts";
import { type Mark, recordMarks } from "./recordMarks.ts";

interface Waiting {
  readonly mark: Mark;
  /** What was known of this person's marks when it came. */
  readonly known: MarkNow | undefined;
  settle(now: MarkNow): void;
  fail(error: unknown): void;
}

/** A conversation with marks recorded less than a second ago, and those that came since. */
interface Gathering {
  waiting: Waiting[];
  timer: NodeJS.Timeout | undefined;
}

const QUIET_MS = 1_000;
const KNOWN_PEOPLE = 50_000;

/**
 * Gathers the marks of one process: the first after a quiet second is recorded at once, more within a second together,
 * as one event of the conversation's receipts stream. Watermarks only rise, so their order does not matter.
 */
export class Marks {
  readonly #engine: Engine;
  readonly #gathering = new Map<StreamId, Gathering>();
  readonly #recording = new Set<Promise<void>>();
  /** What this process raised last, by stream and person: the read model may not know it yet. */
  readonly #raised = new Map<string, MarkNow>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /**
   * Resolves when it is committed, or was so already, with the watermarks as they then are.
   * @throws LogUnavailable, UnknownOutcome
   */
  async raise(tenant: string, conversationId: string, mark: Mark): Promise<MarkNow> {
    const stream = streamId(tenant, "receipts", conversationId);
    const projected = (await this.#engine.marks(tenant, conversationId, [mark.userId])).get(mark.userId);
    const known = highest(projected, this.#raised.get(personIn(stream, mark.userId)));
    if (known && known.read >= mark.read && known.delivered >= mark.delivered) return known;
    return new Promise((settle, fail) => this.#gather(stream, { mark, known, settle, fail }));
  }

  /** Records what still waits, and waits for what is being recorded. */
  async drain(): Promise<void> {
    for (const stream of this.#gathering.keys()) this.#flush(stream);
    await Promise.all(this.#recording);
    for (const { timer } of this.#gathering.values()) clearTimeout(timer);
    this.#gathering.clear();
  }

  #gather(stream: StreamId, waiting: Waiting): void {
    const gathering = this.#gathering.get(stream);
    if (gathering) gathering.waiting.push(waiting);
    else {
      this.#gathering.set(stream, { waiting: [waiting], timer: undefined });
      this.#flush(stream);
    }
  }

  /** Records what waits. Where nothing waits, a quiet second is over. */
  #flush(stream: StreamId): void {
    const gathering = this.#gathering.get(stream);
    if (!gathering) return;
    clearTimeout(gathering.timer);
    const { waiting } = gathering;
    if (waiting.length === 0) {
      this.#gathering.delete(stream);
      return;
    }
    gathering.waiting = [];
    gathering.timer = setTimeout(() => this.#flush(stream), QUIET_MS);
    const recording = this.#record(stream, waiting).catch((error: unknown) => {
      for (const { fail } of waiting) fail(error);
    });
    this.#recording.add(recording);
    void recording.then(() => this.#recording.delete(recording));
  }

  async #record(stream: StreamId, waiting: readonly Waiting[]): Promise<void> {
    const people = new Map<string, Mark>();
    for (const { mark } of waiting) {
      const before = people.get(mark.userId);
      people.set(mark.userId, before ? together(before, mark) : mark);
    }
    const { position, revision } = await recordMarks(this.#engine, stream, [...people.values()]);
    for (const { mark, known, settle } of waiting) {
      const { read, delivered } = people.get(mark.userId) ?? mark;
      const person = personIn(stream, mark.userId);
      const now = highest({ read, delivered, position, revision }, known, this.#raised.get(person));
      this.#remember(person, now);
      settle(now);
    }
  }

  #remember(person: string, now: MarkNow): void {
    this.#raised.delete(person);
    this.#raised.set(person, now);
    if (this.#raised.size <= KNOWN_PEOPLE) return;
    const oldest = this.#raised.keys().next();
    if (!oldest.done) this.#raised.delete(oldest.value);
  }
}

const personIn = (stream: StreamId, userId: string): string => `${stream} ${userId}`;

/** The highest watermarks of all, with where the latest of them stands. */
function highest(first: MarkNow, ...others: readonly (MarkNow | undefined)[]): MarkNow;
function highest(...marks: readonly (MarkNow | undefined)[]): MarkNow | undefined;
function highest(...marks: readonly (MarkNow | undefined)[]): MarkNow | undefined {
  return marks.reduce((one, other) => {
    if (!one || !other) return one ?? other;
    return {
      ...(one.position >= other.position ? one : other),
      read: Math.max(one.read, other.read),
      delivered: Math.max(one.delivered, other.delivered),
    };
  }, undefined);
}

const together = (one: Mark, other: Mark): Mark => ({
  ...other,
  read: Math.max(one.read, other.read),
  delivered: Math.max(one.delivered, other.delivered),
});
