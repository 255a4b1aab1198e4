import type { DomainEvent, Placed } from "../../domain/event.ts";
import type { Rejection } from "../../domain/rejection.ts";
import type { Met, Needs, Sender, Unchanged } from "./deciding.ts";

/** A command on its way through a mailbox. */
export interface Pending<State, Event extends DomainEvent> {
  readonly name: string;
  /** As parsed; with the name it is what a retry must equal. */
  readonly payload: unknown;
  readonly sender: Sender;
  /** Its id came with it, so it may be a retry. */
  readonly keyed: boolean;
  needs(state: State): Needs | undefined;
  /** "allowed": nothing is refused and nothing happens; it needs no check at the head. */
  decide(state: State, met: Met<Event>): readonly Event[] | Rejection | Unchanged | "allowed";
}

/** What came of it: its events (none where nothing changed), and where the last one stands. */
export interface Done<Event extends DomainEvent> {
  readonly events: readonly Placed<Event>[];
  readonly position: number;
  readonly revision: number;
}
