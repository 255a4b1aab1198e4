import type { MetaOpening, SealedBytes } from "./entry.ts";
import { bytes, type Fields, fieldsOf, milliseconds, text, whole } from "./fields.ts";

/** What opens one entry, and no other. */
export interface EntryOpening extends MetaOpening {
  readonly sealed: (SealedBytes & { readonly mk: Uint8Array | null }) | null;
  /** For auditors, in place of trusting `link`: the leaf of the stream's previous event, and its salt. */
  readonly prevLeaf?: Uint8Array;
  readonly linkSalt?: Uint8Array;
}

export interface ProvenEntry {
  /** A `c2sp.org/tlog-proof@v1`. */
  readonly proof: string;
  readonly entry: Uint8Array;
  readonly opening: EntryOpening;
}

export interface ProofDocument extends ProvenEntry {
  /** What the server said; nothing is believed of it. */
  readonly verdict: string;
  readonly coveredBy?: ProvenEntry;
}

function openingOf(value: unknown): EntryOpening {
  const fields = fieldsOf(value, "opening");
  const event = fieldsOf(fields.get("event"), "event");
  const sealed = fields.get("sealed");
  return {
    stream: text(fields, "stream"),
    revision: whole(fields, "revision"),
    recordedAt: milliseconds(fields, "recordedAt"),
    link: bytes(fields, "link", 32),
    salt: bytes(fields, "salt", 32),
    event: { id: text(event, "id"), type: text(event, "type"), version: whole(event, "version") },
    data: text(fields, "data"),
    meta: text(fields, "meta"),
    sealed: sealed === null ? null : sealedOf(fieldsOf(sealed, "sealed")),
    ...(fields.has("prevLeaf") ? { prevLeaf: bytes(fields, "prevLeaf", 32) } : {}),
    ...(fields.has("linkSalt") ? { linkSalt: bytes(fields, "linkSalt", 32) } : {}),
  };
}

const sealedOf = (fields: Fields): EntryOpening["sealed"] => ({
  commitment: bytes(fields, "commitment", 32),
  nonce: bytes(fields, "nonce", 12),
  ciphertext: bytes(fields, "ciphertext"),
  aad: text(fields, "aad"),
  mk: fields.get("mk") === null ? null : bytes(fields, "mk", 64),
});

const provenOf = (fields: Fields): ProvenEntry => ({
  proof: text(fields, "proof"),
  entry: bytes(fields, "entry"),
  opening: openingOf(fields.get("opening")),
});

/** @throws SyntaxError that says what is not of its form */
export function parseProofDocument(json: string): ProofDocument {
  const fields = fieldsOf(jsonIn(json), "the proof");
  const covered = fields.get("coveredBy");
  return {
    ...provenOf(fields),
    verdict: text(fields, "verdict"),
    ...(covered === undefined ? {} : { coveredBy: provenOf(fieldsOf(covered, "coveredBy")) }),
  };
}

function jsonIn(json: string): unknown {
  if (json.trim() === "") throw new SyntaxError("this is no proof: nothing is in it");
  try {
    return JSON.parse(json);
  } catch {
    throw new SyntaxError("this is no proof, or a part of one: it is not JSON");
  }
}
