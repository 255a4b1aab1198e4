import { hash, timingSafeEqual } from "node:crypto";
import { declarationOf, type EventDeclaration } from "../../domain/catalogue.ts";
import type { DomainEvent } from "../../domain/event.ts";
import { eventId, parseStreamId, type StreamId } from "../../domain/ids.ts";
import type { EventMeta } from "../../domain/meta.ts";
import { type Rejection, reject } from "../../domain/rejection.ts";
import type { NewCommand, NewEvent, RecordedCommand, SealedContent } from "../../infra/ports/eventLog.ts";
import { ContentErased, type ToSeal } from "../../sealing/sealing.ts";
import type { AggregateDeclaration, Sender } from "./deciding.ts";
import type { Engine } from "./engine.ts";
import { factsOf } from "./load.ts";
import type { Done } from "./pending.ts";

/** A command with the events that it led to, not yet recorded. */
export interface Decided<Event extends DomainEvent> {
  readonly name: string;
  readonly payload: unknown;
  readonly sender: Sender;
  readonly events: readonly Event[];
}

function declared(type: string): EventDeclaration {
  const declaration = declarationOf(type);
  if (!declaration) throw new Error(`${type} was decided, but stands in no list of events`);
  return declaration;
}

/** The message that an event is about, if it is about one. */
export function targetOf(event: DomainEvent): string | null {
  const { data } = event;
  return typeof data === "object" && data !== null && "target" in data && typeof data.target === "string"
    ? data.target
    : null;
}

/** The bucket under which an event that is decided on a day will be sealed. */
export function bucketOf(event: DomainEvent, day: string): string {
  const under = declared(event.type).under;
  if (under?.bucket === "lasting") return "-";
  if (under?.bucket === "day") return day;
  if ("bucket" in event && typeof event.bucket === "string") return event.bucket;
  throw new Error(`${event.type} is sealed in its original's bucket, but names none`);
}

const subjectOf = (event: DomainEvent, streamUuid: string): string => {
  const under = declared(event.type).under;
  if (!under) throw new Error(`${event.type} has personal content, but does not say whose`);
  return under.subject(event.data, streamUuid);
};

/**
 * Seals what is personal and serialises the rest: what the log takes.
 * @throws ContentErased, KeysUnavailable
 */
export async function recordable<Event extends DomainEvent>(
  stream: StreamId,
  decided: readonly Decided<Event>[],
  day: string,
  engine: Engine,
): Promise<NewCommand[]> {
  const { id: streamUuid } = parseStreamId(stream);
  const toSeal: ToSeal[] = [];
  for (const { events, sender } of decided) {
    for (const [ordinal, event] of events.entries()) {
      if (event.sealed === undefined) continue;
      toSeal.push({
        id: eventId(stream, sender.commandId, ordinal),
        type: event.type,
        version: event.version,
        stream,
        subject: subjectOf(event, streamUuid),
        bucket: bucketOf(event, day),
        content: event.sealed,
      });
    }
  }
  const sealed = (toSeal.length === 0 ? [] : await engine.sealing.seal(toSeal)).values();
  return Promise.all(
    decided.map(async (one) => {
      const meta = metaOf(one.sender);
      const events = one.events.map((event) => {
        const content = event.sealed === undefined ? null : sealed.next().value;
        if (content === undefined) throw new Error(`${stream}: fewer contents were sealed than were given`);
        return newEvent(event, meta, content);
      });
      const first = events.find((event) => event.sealed)?.sealed ?? undefined;
      const payloadHash = await hashPayload(stream, one, first, engine);
      if (!payloadHash) throw new ContentErased(`${stream}: the key of what was just sealed is gone`);
      return { commandId: one.sender.commandId, actorId: one.sender.userId, payloadHash, events };
    }),
  );
}

/** What cannot be read again is never written. @throws Error where a decision made what its own schema refuses */
function newEvent(event: DomainEvent, meta: string, sealed: SealedContent | null): NewEvent {
  const { schema, under } = declared(event.type);
  const { error } = schema.data.safeParse(event.data);
  if (error) throw new Error(`${event.type} was decided, but is not of its shape: ${error.message}`);
  return {
    type: event.type,
    version: event.version,
    target: targetOf(event),
    data: JSON.stringify(event.data),
    meta,
    sealed,
    checkDay: sealed !== null && under?.bucket === "day",
  };
}

function metaOf(sender: Sender): string {
  const meta: EventMeta = {
    commandId: sender.commandId,
    correlationId: sender.correlationId,
    actorId: sender.unnamed ? null : sender.userId,
    deviceId: sender.unnamed ? null : sender.deviceId,
    occurredAt: sender.now.toISOString(),
    ...(sender.traceparent === undefined ? {} : { traceparent: sender.traceparent }),
  };
  return JSON.stringify(meta);
}

/** Under the content key of the first sealed event, so that it is forgotten with it; plain where nothing is sealed. */
async function hashPayload(
  stream: StreamId,
  command: { readonly name: string; readonly payload: unknown },
  sealed: SealedContent | undefined,
  engine: Engine,
): Promise<Uint8Array | undefined> {
  const bytes = Buffer.from(JSON.stringify([command.name, command.payload]), "utf8");
  if (!sealed) return hash("sha256", bytes, "buffer");
  return engine.sealing.hashUnder({ stream, subject: sealed.subject, bucket: sealed.bucket }, bytes);
}

/** The first answer again for the same command of the same person; anything else with its key is a conflict. */
export async function answerOfRecorded<State, Event extends DomainEvent>(
  recorded: RecordedCommand,
  retry: { readonly name: string; readonly payload: unknown; readonly sender: Sender },
  aggregate: AggregateDeclaration<State, Event>,
  engine: Engine,
): Promise<Done<Event> | Rejection> {
  const last = recorded.events.at(-1);
  if (!last) throw new Error(`command ${retry.sender.commandId} is recorded without events`);
  const sealed = recorded.events.find((event) => event.sealed)?.sealed ?? undefined;
  const expected = await hashPayload(last.stream, retry, sealed, engine);
  const same =
    recorded.actorId === retry.sender.userId &&
    expected?.length === recorded.payloadHash.length &&
    timingSafeEqual(expected, recorded.payloadHash);
  if (!same) return reject("conflict", "the key was used for something else");
  const events = recorded.events.map((event) => factsOf(event, aggregate));
  return { events, position: last.position, revision: last.revision };
}
