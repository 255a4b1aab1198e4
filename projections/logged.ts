import { type AnyFacts, decodeFacts, MalformedEvent } from "../domain/catalogue.ts";
import { parseStreamId, type StreamId, type StreamKind, streamId } from "../domain/ids.ts";
import type { RecordedEvent, SealedContent } from "../infra/ports/eventLog.ts";

/** Where a logged event stands, and what of it is encrypted. */
export interface Place {
  readonly id: string;
  readonly stream: StreamId;
  readonly tenant: string;
  readonly kind: StreamKind;
  /** The UUID in the stream's name: the conversation's, the person's. */
  readonly of: string;
  readonly revision: number;
  readonly position: number;
  /** Milliseconds since 1970. */
  readonly recordedAt: number;
  readonly commandId: string;
  /** As stored: what is sealed authenticates it. `data` has the shape of today's version. */
  readonly version: number;
  readonly sealed: SealedContent | null;
}

/** An event that this program understands. */
export type Logged = AnyFacts & Place;

/** An event that it does not: of a newer version, or not of its shape. */
export type Unreadable = { readonly type: "?"; readonly why: string } & Place;

export function decode(recorded: RecordedEvent): Logged | Unreadable {
  const { tenant, kind, id: of } = parseStreamId(recorded.stream);
  const { id, stream, revision, position, recordedAt, commandId, version, sealed } = recorded;
  const place = { id, stream, tenant, kind, of, revision, position, recordedAt, commandId, version, sealed };
  try {
    const facts = decodeFacts(recorded);
    if (facts.type === "?")
      return { type: "?", why: `${recorded.type} v${version} is newer than this program`, ...place };
    return { ...facts, ...place };
  } catch (error) {
    if (!(error instanceof MalformedEvent)) throw error;
    return { type: "?", why: error.message, ...place };
  }
}

/** The unit that is parked as one: a conversation goes with its receipts. */
export const unitOf = ({ kind, tenant, of, stream }: Place): StreamId =>
  kind === "receipts" ? streamId(tenant, "conversation", of) : stream;
