import type { DomainEvent } from "../../domain/event.ts";
import type { StreamId } from "../../domain/ids.ts";
import type { Rejection } from "../../domain/rejection.ts";
import type { AggregateDeclaration } from "./deciding.ts";
import type { Engine } from "./engine.ts";
import { Mailbox } from "./mailbox.ts";
import type { Done, Pending } from "./pending.ts";

/** The mailboxes of one kind of aggregate; those that have been idle longest are forgotten first. */
export class Mailboxes<State, Event extends DomainEvent> {
  readonly #boxes = new Map<StreamId, Mailbox<State, Event>>();
  readonly #aggregate: AggregateDeclaration<State, Event>;
  readonly #engine: Engine;

  constructor(aggregate: AggregateDeclaration<State, Event>, engine: Engine) {
    this.#aggregate = aggregate;
    this.#engine = engine;
  }

  send(stream: StreamId, pending: Pending<State, Event>): Promise<Done<Event> | Rejection> {
    return this.#box(stream).send(pending);
  }

  /** Asks something of the state, without leading to an event. A refusal is checked at the stream's head. */
  async ask(
    stream: StreamId,
    pending: Pick<Pending<State, Event>, "sender" | "name"> & { answer: (state: State) => Rejection | undefined },
  ): Promise<Rejection | undefined> {
    const { answer, ...rest } = pending;
    const outcome = await this.#box(stream).send({
      ...rest,
      payload: undefined,
      keyed: false,
      needs: () => undefined,
      decide: (state) => answer(state) ?? "allowed",
    });
    return "rejected" in outcome ? outcome : undefined;
  }

  #box(stream: StreamId): Mailbox<State, Event> {
    let box = this.#boxes.get(stream);
    if (box) this.#boxes.delete(stream);
    else box = new Mailbox(stream, this.#aggregate, this.#engine);
    this.#boxes.set(stream, box);
    if (this.#boxes.size > this.#engine.limits.mailboxes) this.#forgetOldest();
    return box;
  }

  #forgetOldest(): void {
    for (const [stream, box] of this.#boxes) {
      if (!box.idle) continue;
      this.#boxes.delete(stream);
      return;
    }
  }
}
