import { type StreamId, streamId } from "../domain/ids.ts";
import type { SealedContent } from "../infra/ports/eventLog.ts";
import type { Logged } from "./logged.ts";

/** Personal content of one event, still encrypted, with all that opening it takes. */
export interface SealedPart {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly stream: StreamId;
  readonly sealed: SealedContent;
}

const COMMITMENT = 32;
const NONCE = 12;
const hexOf = (uuid: string) => uuid.replaceAll("-", "");
const uuidOf = (hex: string) =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;

/**
 * One `bytea` (in Postgres' hex form) for a column: event id 16, subject 16, version u16, lengths of type and bucket
 * u8 each, type, bucket, commitment 32, nonce 12, ciphertext with its tag. The stream follows from the row's key.
 */
export function packSealed({ id, type, version, sealed }: Logged): string | null {
  if (!sealed) return null;
  const head = Buffer.alloc(4);
  head.writeUInt16BE(version, 0);
  head.writeUInt8(type.length, 2);
  head.writeUInt8(sealed.bucket.length, 3);
  const rest = Buffer.concat([
    head,
    Buffer.from(type + sealed.bucket, "latin1"),
    sealed.commitment,
    sealed.nonce,
    sealed.ciphertext,
  ]);
  return `\\x${hexOf(id)}${hexOf(sealed.subject)}${rest.toString("hex")}`;
}

export function unpackSealed(tenant: string, kind: "conversation" | "user", of: string, packed: Buffer): SealedPart {
  const id = uuidOf(packed.toString("hex", 0, 16));
  const subject = uuidOf(packed.toString("hex", 16, 32));
  const version = packed.readUInt16BE(32);
  const typeEnd = 36 + packed.readUInt8(34);
  const bucketEnd = typeEnd + packed.readUInt8(35);
  const type = packed.toString("latin1", 36, typeEnd);
  const bucket = packed.toString("latin1", typeEnd, bucketEnd);
  const commitment = packed.subarray(bucketEnd, bucketEnd + COMMITMENT);
  const nonce = packed.subarray(bucketEnd + COMMITMENT, bucketEnd + COMMITMENT + NONCE);
  const ciphertext = packed.subarray(bucketEnd + COMMITMENT + NONCE);
  return {
    id,
    type,
    version,
    stream: streamId(tenant, kind, of),
    sealed: { subject, bucket, commitment, nonce, ciphertext },
  };
}
