import { MarksRaised } from "../../domain/receipts/events.ts";
import { streamId } from "../../domain/ids.ts";
import type { EventMeta } from "../../domain/meta.ts";
import { hash } from "node:crypto";
import type { Engine, MarkNow } from "../engine/engine.ts";

/** A person's wish to raise the own watermarks. */
export interface Mark {
  readonly userId: string;
  readonly deviceId: string | null;
  readonly delivered: number;
  readonly read: number;
  readonly at: Date;
}

interface Waiting {
  readonly mark: Mark;
  settle(now: MarkNow): void;
  fail(error: unknown): void;
}

const QUIET_MS = 1_000;
const KNOWN_PEOPLE = 50_000;

/**
 * Gathers the marks of one process: the first after a quiet second is recorded at once, more within a second together,
 * as one event of the conversation's receipts stream. Watermarks only rise, so their order does not matter.
 */
export class Marks {
  readonly #engine: Engine;
  readonly #collecting = new Map<string, { waiting: Waiting[]; lastFlushAt: number; timer: NodeJS.Timeout | undefined }>();
  /** What this process raised last, by conversation and person: the read model may not know it yet. */
  readonly #raised = new Map<string, MarkNow>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Resolves when it is committed, or was so already, with the watermarks as they then are. */
  async raise(tenant: string, conversationId: string, mark: Mark): Promise<MarkNow> {
    const known = await this.#known(tenant, conversationId, mark.userId);
    if (known && known.read >= mark.read && known.delivered >= mark.delivered) return known;
    return new Promise((settle, fail) => this.#collect(tenant, conversationId, { mark, settle, fail }));
  }

  /** Records what still waits. */
  async drain(): Promise<void> {
    await Promise.all([...this.#collecting.keys()].map((stream) => this.#flush(stream)));
  }

  async #known(tenant: string, conversationId: string, userId: string): Promise<MarkNow | undefined> {
    const raised = this.#raised.get(`${tenant}/${conversationId}/${userId}`);
    const projected = (await this.#engine.marks(tenant, conversationId, [userId])).get(userId);
    return raised && projected ? higher(raised, projected) : (raised ?? projected);
  }

  #collect(tenant: string, conversationId: string, waiting: Waiting): void {
    const stream = streamId(tenant, "receipts", conversationId);
    const now = performance.now();
    const collected = this.#collecting.get(stream) ?? { waiting: [], lastFlushAt: -QUIET_MS, timer: undefined };
    collected.waiting.push(waiting);
    this.#collecting.set(stream, collected);
    const dueIn = collected.lastFlushAt + QUIET_MS - now;
    if (dueIn <= 0 && !collected.timer) void this.#flush(stream);
    else collected.timer ??= setTimeout(() => void this.#flush(stream), Math.max(dueIn, 1));
  }

  async #flush(key: string): Promise<void> {
    const collected = this.#collecting.get(key);
    if (!collected) return;
    clearTimeout(collected.timer);
    collected.timer = undefined;
    const { waiting } = collected;
    if (waiting.length === 0) return void this.#collecting.delete(key);
    collected.waiting = [];
    collected.lastFlushAt = performance.now();
    try {
      await this.#record(key, waiting);
    } catch (error) {
      for (const { fail } of waiting) fail(error);
    }
    collected.timer ??= setTimeout(() => void this.#flush(key), QUIET_MS);
  }

  async #record(key: string, waiting: readonly Waiting[]): Promise<void> {
    const [tenant = "", rest = ""] = key.split("/");
    const conversationId = rest.slice("receipts-".length);
    const stream = streamId(tenant, "receipts", conversationId);
    const people = new Map<string, Mark>();
    for (const { mark } of waiting) {
      const before = people.get(mark.userId);
      people.set(mark.userId, before ? together(before, mark) : mark);
    }
    const event = MarksRaised({
      marks: [...people.values()].map(({ at, ...mark }) => ({ ...mark, at: at.toISOString() })),
    });
    const commandId = this.#engine.newId();
    const occurredAt = new Date(this.#engine.clock.now()).toISOString();
    const meta: EventMeta = { commandId, correlationId: commandId, actorId: null, occurredAt };
    const data = JSON.stringify(event.data);
    const payloadHash = hash("sha256", data, "buffer");
    const outcome = await this.#engine.log.append(stream, "any", [
      {
        commandId,
        actorId: null,
        payloadHash,
        events: [{ type: event.type, version: event.version, target: null, data, meta: JSON.stringify(meta), sealed: null }],
      },
    ]);
    const recorded = outcome.status === "ok" ? outcome.events[0] : undefined;
    if (!recorded) throw new Error(`marks of ${stream} were not appended: ${outcome.status}`);
    const { position, revision } = recorded;
    for (const { mark, settle } of waiting) {
      const { read, delivered } = people.get(mark.userId) ?? mark;
      const now = await this.#remember(tenant, conversationId, mark.userId, { read, delivered, position, revision });
      settle(now);
    }
  }

  async #remember(tenant: string, conversationId: string, userId: string, raised: MarkNow): Promise<MarkNow> {
    const known = await this.#known(tenant, conversationId, userId);
    const now = known
      ? { ...raised, read: Math.max(known.read, raised.read), delivered: Math.max(known.delivered, raised.delivered) }
      : raised;
    this.#raised.delete(`${tenant}/${conversationId}/${userId}`);
    this.#raised.set(`${tenant}/${conversationId}/${userId}`, now);
    if (this.#raised.size > KNOWN_PEOPLE) {
      const oldest = this.#raised.keys().next();
      if (!oldest.done) this.#raised.delete(oldest.value);
    }
    return now;
  }
}

const higher = (one: MarkNow, other: MarkNow): MarkNow => ({
  ...(one.position >= other.position ? one : other),
  read: Math.max(one.read, other.read),
  delivered: Math.max(one.delivered, other.delivered),
});

const together = (one: Mark, other: Mark): Mark => ({
  ...other,
  read: Math.max(one.read, other.read),
  delivered: Math.max(one.delivered, other.delivered),
});
