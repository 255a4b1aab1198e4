import type { z } from "zod";
import type { By } from "../domain/by.ts";
import type { AnyFacts } from "../domain/catalogue.ts";
import type { DomainEvent, Facts, Placed } from "../domain/event.ts";
import { type StreamKind, streamId } from "../domain/ids.ts";
import { isRejection, type Rejection } from "../domain/rejection.ts";
import type { ServerRole } from "../domain/tenant/events.ts";
import { type Door, door, type RateLimit } from "../infra/ports/door.ts";
import type { Engine } from "./engine/engine.ts";
import { Mailboxes } from "./engine/mailboxes.ts";
import type { StateSchema } from "./engine/storedState.ts";
import { Placement } from "./placement.ts";

/** Its sender, and the command's own id: the idempotency key where one came, else one made for it. */
export type Sender = By & { readonly commandId: string };

/** Nothing to do: an event of the stream, at this revision, made it so already. */
export interface Unchanged {
  readonly unchanged: number;
}
export const unchanged = (revision: number): Unchanged => ({ unchanged: revision });

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

export interface Aggregate<State, Event extends DomainEvent> extends AggregateDeclaration<State, Event> {
  mailboxes(engine: Engine): Mailboxes<State, Event>;
}

/** An aggregate with its mailboxes, one set an engine: the one place where both types are known together. */
export function aggregate<State, Event extends DomainEvent>(
  it: AggregateDeclaration<State, Event>,
): Aggregate<State, Event> {
  const ofEngine = new WeakMap<Engine, Mailboxes<State, Event>>();
  return {
    ...it,
    mailboxes(engine) {
      const known = ofEngine.get(engine);
      if (known) return known;
      const made = new Mailboxes(it, engine);
      ofEngine.set(engine, made);
      return made;
    },
  };
}

/** All that is particular to one command. Route, socket command, OpenAPI page and SDK method are derived from it. */
export interface Command<State, Event extends DomainEvent, Payload extends z.ZodType, Result extends z.ZodObject> {
  readonly name: string;
  readonly route: `${"POST" | "PUT" | "PATCH" | "DELETE"} /${string}`;
  readonly summary: string;
  readonly status: 200 | 201 | 202 | 204;
  readonly access?: "signed-in" | readonly ServerRole[];
  readonly limit?: RateLimit;
  /** Also a command on the WebSocket; true unless said otherwise. */
  readonly socket?: boolean;
  readonly settles?: boolean;
  readonly on: Aggregate<State, Event>;
  readonly payload: Payload;
  readonly result: Result;
  /** The UUID of its stream. */
  id(payload: z.output<Payload>, by: Sender): string;
  /** The idempotency key, where the payload holds one; otherwise the request's own. */
  key?(payload: z.output<Payload>): string;
  needs?(payload: z.output<Payload>, by: Sender, state: State): Needs;
  /** Pure. */
  decide(
    state: State,
    payload: z.output<Payload>,
    by: Sender & { readonly met: Met<Event> },
  ): readonly Event[] | Rejection | Unchanged;
  /** From the events it led to (none where nothing changed), so that a retry gets the first answer. */
  answer(events: readonly Placed<Event>[], payload: z.output<Payload>, by: Sender): z.input<Result>;
}

/** A declared command: a door of its own, and still all that it was declared with. */
export type CommandDoor<
  State,
  Event extends DomainEvent,
  Payload extends z.ZodType,
  Result extends z.ZodObject,
> = Command<State, Event, Payload, Result> & { readonly door: Door<Engine, Payload, z.ZodType> };

export const command = <State, Event extends DomainEvent, Payload extends z.ZodType, Result extends z.ZodObject>(
  it: Command<State, Event, Payload, Result>,
): CommandDoor<State, Event, Payload, Result> => ({
  ...it,
  door: door({
    name: it.name,
    route: it.route,
    summary: it.summary,
    status: it.status,
    access: it.access ?? "signed-in",
    ...(it.limit === undefined ? {} : { limit: it.limit }),
    socket: it.socket ?? true,
    settles: it.settles ?? false,
    payload: it.payload,
    result: it.result.extend(Placement.shape),
    async run(payload: z.output<Payload>, by: By, engine: Engine) {
      const key = it.key?.(payload) ?? by.key;
      const sender: Sender = { ...by, commandId: key ?? engine.newId() };
      const stream = streamId(by.tenant, it.on.kind, it.id(payload, sender));
      const outcome = await it.on.mailboxes(engine).send(stream, {
        name: it.name,
        payload,
        sender,
        keyed: key !== undefined,
        needs: (state) => it.needs?.(payload, sender, state),
        decide: (state, met) => it.decide(state, payload, { ...sender, met }),
      });
      if (isRejection(outcome)) return outcome;
      const { position, revision, events } = outcome;
      const body = { ...it.answer(events, payload, sender), position, revision };
      return events.length === 0 && it.status === 201 ? { body, status: 200 } : { body };
    },
  }),
});
