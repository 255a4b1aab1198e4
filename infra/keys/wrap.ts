import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const additionalData = (about: readonly string[]): Buffer =>
  Buffer.from(JSON.stringify(["scripta/wrap/v1", ...about]), "utf8");

/**
 * A key under another key: nonce ‖ AES-256-GCM ciphertext ‖ tag, 28 bytes longer than the key.
 * @param about names what is wrapped, and by which key: under another name it does not unwrap
 */
export function wrap(under: KeyObject, key: Uint8Array, about: readonly string[]): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", under, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(additionalData(about));
  const ciphertext = cipher.update(key);
  cipher.final();
  return Buffer.concat([nonce, ciphertext, cipher.getAuthTag()]);
}

/** Undefined where it is damaged, of another name, or under another key. */
export function unwrap(under: KeyObject, wrapped: Uint8Array, about: readonly string[]): Buffer | undefined {
  const end = wrapped.length - TAG_BYTES;
  if (end < NONCE_BYTES) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", under, wrapped.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(additionalData(about));
  decipher.setAuthTag(wrapped.subarray(end));
  const key = decipher.update(wrapped.subarray(NONCE_BYTES, end));
  try {
    decipher.final();
  } catch {
    // The tag does not fit: `final` tells it in no other way.
    return undefined;
  }
  return key;
}
