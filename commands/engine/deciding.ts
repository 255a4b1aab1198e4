import type { By } from "../../domain/by.ts";
import type { AnyFacts } from "../../domain/catalogue.ts";
import type { DomainEvent, Facts, Placed } from "../../domain/event.ts";
import type { StreamKind } from "../../domain/ids.ts";
import type { Rejection } from "../../domain/rejection.ts";
import type { StateSchema } from "./storedState.ts";

/** Its sender, and the command's own id: the idempotency key where one came, else one made for it. */
export type Sender = By & { readonly commandId: string };

/** Nothing to do: an event of the stream, at this revision, made it so already. */
export interface Unchanged {
  readonly unchanged: number;
}

export interface Account {
  readonly guest: boolean;
  readonly deactivated: boolean;
  readonly erased: boolean;
}

/** What a command must know that its state does not: fetched for it before it is decided. */
export interface Needs {
  /** Messages of this conversation, by id; `contents`: with what is sealed in their events. */
  readonly messages?: readonly string[];
  readonly contents?: boolean;
  readonly accounts?: readonly string[];
  /** Sealed contents of events of this stream, by revision. */
  readonly opened?: readonly number[];
}

/** An event about a message, with its bucket and, where asked for and not erased, its opened content. */
export type About<Event extends DomainEvent> = Placed<Event> & { readonly bucket?: string; readonly content?: unknown };

/** What was asked for in `Needs`, with what is decided in the same turn and not yet committed. */
export interface Met<Event extends DomainEvent> {
  eventsAbout(messageId: string): readonly About<Event>[];
  account(userId: string): Account | undefined;
  /** Undefined where it is erased. */
  opened(revision: number): unknown;
  /** How many members a group may have. */
  readonly groupMembers: number;
}

export interface AggregateDeclaration<State, Event extends DomainEvent> {
  readonly kind: StreamKind;
  readonly initial: () => State;
  readonly evolve: (state: State, event: Placed<Event>) => void;
  readonly owns: (facts: AnyFacts) => facts is AnyFacts & Facts<Event>;
  /** Refuses whoever may not even know of it: checked before a key is looked up. */
  readonly authorise?: (state: State, by: Sender) => Rejection | undefined;
  /** What the state consists of. Snapshots of another shape are dropped. */
  readonly state: StateSchema<State>;
  /** Raise it whenever `evolve` means something else: older snapshots are dropped. */
  readonly stateVersion: number;
}
