import { fromBase64 } from "./bytes.ts";
import type { MetaOpening, SealedBytes } from "./entry.ts";

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

type Fields = ReadonlyMap<string, unknown>;

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new SyntaxError(`${what} is no object`);
  return new Map(Object.entries(value));
}

function text(fields: Fields, name: string): string {
  const value = fields.get(name);
  if (typeof value !== "string") throw new SyntaxError(`${name} is no text`);
  return value;
}

function whole(fields: Fields, name: string): number {
  const value = fields.get(name);
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw new SyntaxError(`${name} is no whole number`);
  return value;
}

function bytes(fields: Fields, name: string, size?: number): Uint8Array {
  const value = fromBase64(text(fields, name));
  if (size !== undefined && value.length !== size) throw new SyntaxError(`${name} has not ${size} bytes`);
  return value;
}

function milliseconds(fields: Fields, name: string): number {
  const time = text(fields, name);
  const ms = Date.parse(time);
  if (Number.isNaN(ms) || new Date(ms).toISOString() !== time)
    throw new SyntaxError(`${name} is no time such as 2026-11-21T23:59:59.999Z`);
  return ms;
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
  const fields = fieldsOf(JSON.parse(json), "the proof");
  const covered = fields.get("coveredBy");
  return {
    ...provenOf(fields),
    verdict: text(fields, "verdict"),
    ...(covered === undefined ? {} : { coveredBy: provenOf(fieldsOf(covered, "coveredBy")) }),
  };
}
