import { eventId, parseStreamId, type StreamId } from "../../domain/ids.ts";
import type { NewCommand, RecordedEvent } from "../ports/eventLog.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DAY_MS = 86_400_000;

/** One append to one stream, as it waits for its turn. */
export interface Append {
  readonly stream: StreamId;
  readonly expected: number | "any";
  readonly commands: readonly NewCommand[];
}

/** Where the first event of an append came to stand. */
export interface Place {
  readonly position: number;
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly recordedAt: number;
}

/** Days since 1970 in UTC. */
export const dayNumber = (ms: number): number => Math.floor(ms / DAY_MS);

/** `2026-11-21` */
export const dayName = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** The events of an append as the log gives them back: positions and revisions are contiguous. */
export function recorded({ stream, commands }: Append, { position, revision, recordedAt }: Place): RecordedEvent[] {
  const events: RecordedEvent[] = [];
  for (const { commandId, events: decided } of commands)
    decided.forEach(({ type, version, target, data, meta, sealed }, ordinal) => {
      events.push({
        id: eventId(stream, commandId, ordinal),
        stream,
        revision: revision + events.length,
        position: position + events.length,
        recordedAt,
        commandId,
        ordinal,
        type,
        version,
        target,
        data,
        meta,
        sealed,
      });
    });
  return events;
}

/** @throws TypeError on what only a mistake of ours can bring, before it could hurt the others of its batch */
export function checkAppend({ stream, expected, commands }: Append): void {
  const { kind } = parseStreamId(stream);
  const wrong = (what: string) => new TypeError(`append to ${stream}: ${what}`);
  const uuid = (what: string, id: string) => {
    if (!UUID.test(id)) throw wrong(`${what} ${JSON.stringify(id)} is not a UUID in lower case`);
  };
  if (expected === "any" && kind !== "receipts") throw wrong("only receipts are appended without expected revision");
  if (new Set(commands.map(({ commandId }) => commandId)).size < commands.length) throw wrong("a command stands twice");
  if (commands.length === 0) throw wrong("no command");
  for (const { commandId, actorId, payloadHash, events } of commands) {
    uuid("commandId", commandId);
    if (actorId !== null) uuid("actorId", actorId);
    if (payloadHash.length > 64) throw wrong("a payload hash is at most 64 bytes");
    if (events.length === 0) throw wrong(`the command ${commandId} has no events`);
    for (const { target, sealed } of events) {
      if (target !== null) uuid("target", target);
      if (!sealed) continue;
      uuid("subject", sealed.subject);
      if (sealed.commitment.length !== 32 || sealed.nonce.length !== 12) throw wrong("commitment or nonce is cut");
    }
  }
}
