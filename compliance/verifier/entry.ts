import { type Bytes, concat, u32, u64, utf8 } from "./bytes.ts";
import { sha256 } from "./sha256.ts";

/** What one event is in the public log: nothing of it says whose or what it is. */
export interface Entry {
  readonly index: number;
  /** HMAC-SHA-256 of stream ‖ 0x00 ‖ u64 revision under the tenant's tag key. */
  readonly tag: Uint8Array;
  /** 32 zero bytes where nothing is sealed. */
  readonly payloadCommit: Uint8Array;
  readonly metaCommit: Uint8Array;
}

const PREFIX = utf8("scripta/v1");
/** Where the tag begins. */
export const TAG_AT = PREFIX.length + 8;
export const ENTRY_BYTES = TAG_AT + 3 * 32;

export const entryBytes = ({ index, tag, payloadCommit, metaCommit }: Entry): Bytes =>
  concat(PREFIX, u64(index), tag, payloadCommit, metaCommit);

/** The index that an entry says. @throws SyntaxError */
export function entryIndex(bytes: Uint8Array): number {
  let isEntry = bytes.length === ENTRY_BYTES;
  for (let at = 0; at < PREFIX.length; at++) isEntry &&= bytes[at] === PREFIX[at];
  if (!isEntry) throw new SyntaxError(`not an entry: it is not scripta/v1 and ${ENTRY_BYTES} bytes`);
  let index = 0;
  for (let at = PREFIX.length; at < TAG_AT; at++) index = index * 256 + (bytes[at] ?? 0);
  return index;
}

/** @throws SyntaxError */
export const parseEntry = (bytes: Uint8Array): Entry => ({
  index: entryIndex(bytes),
  tag: bytes.slice(TAG_AT, TAG_AT + 32),
  payloadCommit: bytes.slice(TAG_AT + 32, TAG_AT + 64),
  metaCommit: bytes.slice(TAG_AT + 64),
});

/** What of an event is readable for ever, with the two values that hide it in the entry. */
export interface MetaOpening {
  readonly salt: Uint8Array;
  readonly link: Uint8Array;
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly recordedAt: number;
  readonly stream: string;
  readonly event: { readonly id: string; readonly type: string; readonly version: number };
  /** JSON, as stored. */
  readonly data: string;
  readonly meta: string;
}

const counted = (text: string): Uint8Array[] => {
  const bytes = utf8(text);
  return [u32(bytes.length), bytes];
};

export const metaCommit = ({ salt, link, revision, recordedAt, stream, event, data, meta }: MetaOpening): Bytes =>
  sha256(
    concat(
      salt,
      link,
      u64(revision),
      u64(recordedAt),
      ...[stream, event.id, event.type, String(event.version), data, meta].flatMap(counted),
    ),
  );

export interface SealedBytes {
  /** Kc, 32 bytes. */
  readonly commitment: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  /** With its tag of 16 bytes. */
  readonly ciphertext: Uint8Array;
  /** JSON, as stored. */
  readonly aad: string;
}

const NOTHING = new Uint8Array(32);

export const payloadCommit = (sealed: SealedBytes | null): Bytes =>
  sealed
    ? sha256(concat(Uint8Array.of(1), sealed.commitment, sealed.nonce, sha256(utf8(sealed.aad)), sealed.ciphertext))
    : NOTHING;

/** From what auditors are given in its place. */
export const linkOf = (linkSalt: Uint8Array, prevLeaf: Uint8Array): Bytes => sha256(concat(linkSalt, prevLeaf));
