import {
  type AnyFacts,
  declarationOf,
  decodeFacts,
  MalformedEvent,
  type UnknownEvent,
} from "../../domain/catalogue.ts";
import { complianceEvents } from "../../domain/compliance/events.ts";
import { conversationEvents } from "../../domain/conversation/events.ts";
import { parseStreamId, type StreamKind } from "../../domain/ids.ts";
import { EventMeta } from "../../domain/meta.ts";
import { receiptsEvents } from "../../domain/receipts/events.ts";
import { tenantEvents } from "../../domain/tenant/events.ts";
import { userEvents } from "../../domain/user/events.ts";
import type { StoredEvent } from "./storedEvents.ts";

/** What an event says, as its rules need it. */
export interface Read {
  readonly facts: AnyFacts | UnknownEvent;
  readonly meta: EventMeta;
}

const typesIn = (events: readonly { readonly type: string }[]): ReadonlySet<string> =>
  new Set(events.map(({ type }) => type));
const typesOf: Readonly<Record<StreamKind, ReadonlySet<string>>> = {
  conversation: typesIn(conversationEvents),
  receipts: typesIn(receiptsEvents),
  user: typesIn(userEvents),
  tenant: typesIn(tenantEvents),
  compliance: typesIn(complianceEvents),
};

const targetOf = (data: unknown): string | null =>
  typeof data === "object" && data !== null && "target" in data && typeof data.target === "string" ? data.target : null;

/**
 * What holds of every event alike, whatever it says: it stands where the one before it ends, belongs to its command, and
 * can be read. Give each stream one of these, and its events in order.
 */
export function envelopeOf(stream: string) {
  const { kind } = parseStreamId(stream);
  let revision = -1;
  let command:
    | { readonly id: string; readonly at: number; readonly recordedAt: number; readonly actor: string | null }
    | undefined;

  /** @param found told of each deviation, with what was promised */
  return function read(row: StoredEvent, found: (rule: string, what: string) => void): Read | undefined {
    if (row.revision !== revision + 1) found("revisions are dense in a stream", `${row.revision} follows ${revision}`);
    revision = row.revision;

    const first = command?.id !== row.command;
    const at = first ? 0 : (command?.at ?? 0) + 1;
    if (row.command_at !== at)
      found("a command's events follow each other", `ordinal ${row.command_at} stands where ${at} must`);
    if (!first && row.recorded_at !== command?.recordedAt)
      found("a command is recorded at one moment", `its events say ${command?.recordedAt} and ${row.recorded_at}`);
    if (first !== row.hashed)
      found("a command's first event bears the hash of its payload", first ? "there is none" : "a later one does");
    command = {
      id: row.command,
      at: row.command_at,
      recordedAt: row.recorded_at,
      actor: first ? row.actor : (command?.actor ?? null),
    };

    const meta = metaOf(row.meta);
    if (!meta) {
      found("an event's meta can be read", "it is not of its shape");
      return undefined;
    }
    // Ids of events are derived from stream, command and ordinal: nothing else of them is stored that could deviate.
    if (meta.commandId !== row.command)
      found("an event's meta names its command", `${meta.commandId}, not ${row.command}`);
    // Who erases, holds or is erased may stay unnamed in what is shown to others.
    const unnamed = meta.actorId === null && (kind === "compliance" || kind === "user");
    if (meta.actorId !== command.actor && !unnamed)
      found("an event's meta names who acted", `${meta.actorId}, not ${command.actor}`);

    const facts = factsOf(row, found);
    if (!facts) return undefined;
    if (facts.type === "?") return { facts, meta };
    if (!typesOf[kind].has(facts.type))
      found("an event belongs to its kind of stream", `${facts.type} in a ${kind} stream`);
    if (targetOf(facts.data) !== row.target)
      found("an event is found by its message", `it is about ${targetOf(facts.data)}, and found by ${row.target}`);
    const declaration = declarationOf(facts.type);
    const sealing = declaration?.schema.sealed !== undefined;
    if (row.version === declaration?.version && sealing !== (row.sealed !== null))
      found("what is personal is sealed", sealing ? "nothing is sealed" : "something is sealed that is not personal");
    return { facts, meta };
  };
}

function metaOf(text: string): EventMeta | undefined {
  try {
    return EventMeta.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function factsOf(row: StoredEvent, found: (rule: string, what: string) => void): Read["facts"] | undefined {
  try {
    return decodeFacts(row);
  } catch (error) {
    if (!(error instanceof MalformedEvent)) throw error;
    found("an event is of its type's shape", error.message.replace(/\s+/g, " "));
    return undefined;
  }
}
