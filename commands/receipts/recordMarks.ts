import { hash } from "node:crypto";
import { parseStreamId, type StreamId } from "../../domain/ids.ts";
import type { EventMeta } from "../../domain/meta.ts";
import { MarksRaised } from "../../domain/receipts/events.ts";
import type { NewEvent } from "../../infra/ports/eventLog.ts";
import type { Engine } from "../engine/engine.ts";

/** A person's wish to raise the own watermarks. */
export interface Mark {
  readonly userId: string;
  readonly deviceId: string | null;
  readonly delivered: number;
  readonly read: number;
  readonly at: Date;
}

/**
 * Records marks of several people as one event of a conversation's receipts. Gives where it stands.
 * @throws LogUnavailable, UnknownOutcome
 */
export async function recordMarks(
  engine: Engine,
  stream: StreamId,
  people: readonly Mark[],
): Promise<{ position: number; revision: number }> {
  const { type, version, data } = MarksRaised({
    marks: people.map(({ at, ...mark }) => ({ ...mark, at: at.toISOString() })),
  });
  const commandId = engine.newId();
  const occurredAt = new Date(engine.clock.now()).toISOString();
  const meta: EventMeta = { commandId, correlationId: commandId, actorId: null, occurredAt };
  const event: NewEvent = {
    type,
    version,
    target: null,
    data: JSON.stringify(data),
    meta: JSON.stringify(meta),
    sealed: null,
  };
  const payloadHash = hash("sha256", event.data, "buffer");
  const command = { commandId, actorId: null, payloadHash, events: [event] };
  const outcome = await engine.log.append(stream, "any", [command]);
  const recorded = outcome.status === "ok" ? outcome.events[0] : undefined;
  if (!recorded) throw new Error(`marks of ${parseStreamId(stream).id} were not appended: ${outcome.status}`);
  return recorded;
}
