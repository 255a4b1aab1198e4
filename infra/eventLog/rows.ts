import { eventId, parseStreamId, streamId } from "../../domain/ids.ts";
import type { RecordedEvent } from "../ports/eventLog.ts";

export interface EventRow {
  readonly position: number;
  readonly recorded_at: number;
  readonly stream: string;
  readonly revision: number;
  readonly command: string;
  readonly command_at: number;
  readonly target: string | null;
  readonly type: string;
  readonly version: number;
  readonly data: string;
  readonly meta: string;
  readonly subject: string | null;
  readonly bucket: string | null;
  readonly sealed: Uint8Array | null;
}

/** `data` and `meta` as text: the bytes that are hashed, not what a parser makes of them. */
export const EVENTS = `
  select e.position, e.recorded_at, s.stream, e.revision, e.command, e.command_at, e.target, e.type, e.version,
    e.data::text as data, e.meta::text as meta, e.subject, e.bucket, e.sealed
  from log.events e join log.streams s using (stream_no)`;

export function eventOf(row: EventRow): RecordedEvent {
  const { tenant, kind, id } = parseStreamId(row.stream);
  const stream = streamId(tenant, kind, id);
  const { subject, bucket, sealed } = row;
  return {
    id: eventId(stream, row.command, row.command_at),
    stream,
    revision: row.revision,
    position: row.position,
    recordedAt: row.recorded_at,
    commandId: row.command,
    ordinal: row.command_at,
    type: row.type,
    version: row.version,
    target: row.target,
    data: row.data,
    meta: row.meta,
    sealed:
      subject === null || bucket === null || sealed === null
        ? null
        : {
            subject,
            bucket,
            commitment: sealed.subarray(0, 32),
            nonce: sealed.subarray(32, 44),
            ciphertext: sealed.subarray(44),
          },
  };
}
