import { type Engine, escalateOverdue } from "../commands/index.ts";
import type { By } from "../domain/by.ts";
import type { Database } from "../infra/ports/database.ts";
import { type Awaiting, awaitingAcknowledgement } from "../projections/history/queries.ts";

interface EscalationParts {
  readonly engine: Engine;
  readonly database: Database;
  /** The tenant's own hand. */
  readonly by: (tenant: string) => By;
  /** Told when an escalation could not be made; it is tried again. */
  readonly onTrouble: (error: unknown) => void;
}

const LOOK_EVERY_MS = 1_000;
const RETRY_MS = 10_000;
const AT_ONCE = 100;

/**
 * Whose message was not acknowledged in time is told so. What is due is asked of the read model, which follows from the
 * log; that each happens once is held by the log itself, whoever asks for it and however often. So nothing is kept here.
 */
export class Escalations {
  readonly #parts: EscalationParts;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(parts: EscalationParts) {
    this.#parts = parts;
  }

  /** Begins with what fell due while nothing ran. */
  start(): void {
    if (this.#stopped) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    let waitMs = RETRY_MS;
    try {
      waitMs = await this.escalate();
    } catch (error) {
      this.#parts.onTrouble(error);
    }
    if (!this.#stopped) this.#timer = setTimeout(() => this.start(), waitMs).unref();
  }

  /** Makes those that are due. Gives when to look again, in ms. */
  async escalate(): Promise<number> {
    const { engine, database } = this.#parts;
    let failure: Error | undefined;
    let last: Awaiting | undefined;
    for (;;) {
      const page = await awaitingAcknowledgement(database, last, AT_ONCE);
      for (const awaiting of page) {
        const dueInMs = awaiting.ackBy.getTime() - engine.clock.now();
        // By the clock of now, and not by a timer: a clock that is set is looked at again soon.
        if (this.#stopped || dueInMs > 0) {
          if (failure) throw failure;
          return Math.min(LOOK_EVERY_MS, Math.max(1, dueInMs));
        }
        await this.#make(awaiting).catch((cause: unknown) => {
          failure ??= new Error(`${awaiting.messageId} in ${awaiting.conversation} is overdue`, { cause });
        });
      }
      last = page.at(-1);
      if (page.length < AT_ONCE) break;
    }
    if (failure) throw failure;
    return LOOK_EVERY_MS;
  }

  async #make({ tenant, conversation, messageId }: Awaiting): Promise<void> {
    const { engine, by } = this.#parts;
    const refused = await escalateOverdue(engine, { conversationId: conversation, messageId }, by(tenant));
    // Another process said the same: that is as good.
    if (refused && refused.rejected !== "conflict") throw new Error(`${refused.rejected}: ${refused.detail}`);
  }
}
