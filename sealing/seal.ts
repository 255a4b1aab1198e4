import { createCipheriv, createDecipheriv, createSecretKey, hash, type KeyObject, timingSafeEqual } from "node:crypto";
import type { SealedContent } from "../infra/ports/eventLog.ts";
import type { ContentKeyName } from "./contentKey.ts";
import { hmac } from "./hmac.ts";

/** What a sealing is bound to: the same bytes open at no other event. */
export interface Bound extends ContentKeyName {
  readonly id: string;
  readonly type: string;
  readonly version: number;
}

const TAG_BYTES = 16;
const KEY_BYTES = 32;
const OPENING_LABEL = Buffer.from("scripta/mk/v1", "utf8");
/** The info of HKDF-Expand, with the number of its one block. */
const EXPANSION = Buffer.from("scripta/seal/v1\u0001", "utf8");

/** What a sealing is bound to, as the bytes that it authenticates. */
export const additionalData = ({ id, type, version, stream, subject, bucket }: Bound): Buffer =>
  Buffer.from(JSON.stringify(["scripta/aad/v1", id, type, version, stream, subject, bucket]), "utf8");

/** HKDF-Expand-SHA-512 to 64 bytes: the key that encrypts, and what commits to it. */
function expand(opening: Uint8Array): { key: KeyObject; commitment: Buffer } {
  const both = hmac("sha512", opening, EXPANSION);
  return { key: createSecretKey(both.subarray(0, KEY_BYTES)), commitment: both.subarray(KEY_BYTES) };
}

/**
 * The opening of one event, 64 bytes: whoever is given it can open that event and no other.
 * @see Dodis, Grubbs, Ristenpart, Woodage: Fast Message Franking, CRYPTO 2018
 */
export const openingOf = (key: KeyObject, nonce: Uint8Array): Buffer =>
  hmac("sha512", key.export(), Buffer.concat([OPENING_LABEL, nonce]));

/** @param nonce 12 bytes that were never used under this key: it makes the event's own key, too */
export function sealUnder(key: KeyObject, bound: Bound, plain: Uint8Array, nonce: Uint8Array): SealedContent {
  const { key: encrypting, commitment } = expand(openingOf(key, nonce));
  const cipher = createCipheriv("aes-256-gcm", encrypting, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(additionalData(bound));
  const encrypted = cipher.update(plain);
  cipher.final();
  return {
    subject: bound.subject,
    bucket: bound.bucket,
    commitment,
    nonce,
    ciphertext: Buffer.concat([encrypted, cipher.getAuthTag()]),
  };
}

/**
 * The plain text, or undefined where anything at all was altered: the bytes, or what they are bound to. The
 * commitment is compared before anything is decrypted, so that no bytes open under two keys.
 * @see Albertini et al.: How to Abuse and Fix Authenticated Encryption Without Key Commitment, USENIX Security 2022
 */
export function openWith(opening: Uint8Array, bound: Bound, sealed: SealedContent): Buffer | undefined {
  const { key, commitment } = expand(opening);
  const end = sealed.ciphertext.length - TAG_BYTES;
  if (sealed.commitment.length !== KEY_BYTES || !timingSafeEqual(commitment, sealed.commitment) || end < 0)
    return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(additionalData(bound));
  decipher.setAuthTag(sealed.ciphertext.subarray(end));
  const plain = decipher.update(sealed.ciphertext.subarray(0, end));
  try {
    decipher.final();
  } catch {
    // The tag does not fit: `final` tells it in no other way.
    return undefined;
  }
  return plain;
}

const COMMIT_PREFIX = Buffer.from([1]);

/** The part of a public entry that commits to what is sealed, 32 bytes. It stays the same when the keys are gone. */
export const payloadCommit = (bound: Bound, { commitment, nonce, ciphertext }: SealedContent): Buffer =>
  hash(
    "sha256",
    Buffer.concat([COMMIT_PREFIX, commitment, nonce, hash("sha256", additionalData(bound), "buffer"), ciphertext]),
    "buffer",
  );
