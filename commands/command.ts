import type { z } from "zod";
import type { By } from "../domain/by.ts";
import type { DomainEvent, Placed } from "../domain/event.ts";
import { streamId } from "../domain/ids.ts";
import { isRejection, type Rejection } from "../domain/rejection.ts";
import type { ServerRole } from "../domain/tenant/events.ts";
import { type Door, door, type RateLimit } from "../infra/ports/door.ts";
import type { AggregateDeclaration, Met, Needs, Sender, Unchanged } from "./engine/deciding.ts";
import type { Engine } from "./engine/engine.ts";
import { Mailboxes } from "./engine/mailboxes.ts";
import { Placement } from "./placement.ts";

export const unchanged = (revision: number): Unchanged => ({ unchanged: revision });

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
