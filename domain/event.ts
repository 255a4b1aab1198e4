import type { z } from "zod";
import type { StreamId } from "./ids.ts";

/** An event as decided: facts that may be read for ever, and personal content that will be sealed. */
export interface DomainEvent {
  readonly type: string;
  readonly version: number;
  readonly data: unknown;
  readonly sealed?: unknown;
}

/** What state is built of. The sealed part may be gone one day, so no decision rests on it. */
export type Facts<Event extends DomainEvent> = Event extends DomainEvent ? Pick<Event, "type" | "data"> : never;

/** An event in its stream. A pending one (decided, not yet committed) has a revision too, but no position. */
export type Placed<Event extends DomainEvent> = Facts<Event> & { readonly revision: number };

/** The facts of an event at its place. */
export function placed<Event extends DomainEvent>(event: Event | Facts<Event>, revision: number): Placed<Event>;
export function placed(event: { type: string; data: unknown }, revision: number): unknown {
  return { type: event.type, data: event.data, revision };
}

/**
 * Under whose secret, and for how long, the personal content of an event is sealed.
 * `subject`: the person (or, for names of conversations, the conversation) whose secret it takes.
 * `day`: the content of a day goes with that day's bucket; `lasting`: no retention retires it (bucket `-`);
 * `original`: the bucket of the event that it amends, given with the event as `bucket`.
 */
export interface SealedUnder<Data> {
  subject(data: Data, streamUuid: string): string;
  readonly bucket: "day" | "lasting" | "original";
}

/** A type and version of event without personal content. Its schema is the only source of its TypeScript type. */
export const eventType = <const Type extends string, Data>(type: Type, version: number, data: z.ZodType<Data>) =>
  Object.assign((facts: Data) => ({ type, version, data: facts }), { type, version, schema: { data } });

/** A type and version of event whose `sealed` part is encrypted in the log. */
export const sealedEventType = <const Type extends string, Data, Sealed>(
  type: Type,
  version: number,
  data: z.ZodType<Data>,
  sealed: z.ZodType<Sealed>,
  under: SealedUnder<NoInfer<Data>>,
) =>
  Object.assign(
    (facts: Data, personal: Sealed, bucket?: string) => ({
      type,
      version,
      data: facts,
      sealed: personal,
      ...(bucket === undefined ? {} : { bucket }),
    }),
    { type, version, schema: { data, sealed }, under },
  );

/** The event of a type among those that a command led to. */
export function only<Event extends { readonly type: string }, const Type extends Event["type"]>(
  events: readonly Event[],
  type: Type,
): Extract<Event, { type: Type }> {
  const found = events.find((event): event is Extract<Event, { type: Type }> => event.type === type);
  if (!found) throw new Error(`expected ${type} among ${events.map((event) => event.type).join(", ") || "no events"}`);
  return found;
}

/** Where an event stands: what the log adds to it. */
export interface Envelope {
  readonly id: string;
  readonly stream: StreamId;
  readonly revision: number;
  readonly position: number;
  /** Milliseconds since 1970, given by the log; never decreases with the position. */
  readonly recordedAt: number;
  readonly commandId: string;
}
