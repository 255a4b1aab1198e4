import { hash } from "node:crypto";
import type { RecordedEvent } from "../../infra/ports/eventLog.ts";
import { hmac } from "../../sealing/hmac.ts";
import { payloadCommit } from "../../sealing/seal.ts";
import { entryBytes } from "../verifier/entry.ts";

/** The keys of one tenant that its entries are made with, 32 bytes each. */
export interface TenantKeys {
  readonly tagKey: Uint8Array;
  readonly saltKey: Uint8Array;
}

/** What stands for one event in the public log, but for its index. */
export interface Commitments {
  readonly tag: Uint8Array;
  readonly payloadCommit: Uint8Array;
  readonly metaCommit: Uint8Array;
}

const ZEROS = new Uint8Array(32);
const ZERO = Buffer.from([0]);
const ONE = Buffer.from([1]);

export function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

/** Hides the facts of an event in its entry; given out with them. */
export const saltOf = ({ saltKey }: TenantKeys, id: string): Buffer => hmac("sha256", saltKey, Buffer.from(id, "utf8"));

/** Hides what an event follows; given to auditors. */
export const linkSaltOf = ({ saltKey }: TenantKeys, id: string): Buffer =>
  hmac("sha256", saltKey, Buffer.concat([Buffer.from(id, "utf8"), ONE]));

/** @param prevLeaf of the stream's previous event; undefined at revision 0 */
export const linkTo = (keys: TenantKeys, id: string, prevLeaf: Uint8Array | undefined): Buffer =>
  hash("sha256", Buffer.concat([linkSaltOf(keys, id), prevLeaf ?? ZEROS]), "buffer");

export const tagOf = ({ tagKey }: TenantKeys, stream: string, revision: number): Buffer =>
  hmac("sha256", tagKey, Buffer.concat([Buffer.from(stream, "utf8"), ZERO, u64(revision)]));

/** A text preceded by the number of its bytes. */
function counted(text: string): Buffer {
  const size = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(4 + size);
  bytes.writeUInt32BE(size);
  bytes.write(text, 4, "utf8");
  return bytes;
}

const metaCommitOf = (event: RecordedEvent, salt: Uint8Array, link: Uint8Array): Buffer =>
  hash(
    "sha256",
    Buffer.concat([
      salt,
      link,
      u64(event.revision),
      u64(event.recordedAt),
      counted(event.stream),
      counted(event.id),
      counted(event.type),
      counted(String(event.version)),
      counted(event.data),
      counted(event.meta),
    ]),
    "buffer",
  );

/** The same bytes as the verifier makes them of an opening, from the event itself. */
export const commitmentsOf = (event: RecordedEvent, keys: TenantKeys, link: Uint8Array): Commitments => ({
  tag: tagOf(keys, event.stream, event.revision),
  payloadCommit: event.sealed
    ? payloadCommit({ ...event, subject: event.sealed.subject, bucket: event.sealed.bucket }, event.sealed)
    : ZEROS,
  metaCommit: metaCommitOf(event, saltOf(keys, event.id), link),
});

export const leafOf = (index: number, commitments: Commitments): Buffer =>
  hash("sha256", Buffer.concat([ZERO, entryBytes({ index, ...commitments })]), "buffer");
