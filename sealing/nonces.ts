import { randomFillSync } from "node:crypto";

/** Of AES-256-GCM. */
export const NONCE_BYTES = 12;
const NONCES_AT_ONCE = 256;

/** Gives a fresh nonce a call. Asking for random bytes costs more than the bytes: they are drawn for many together. */
export function nonces(): () => Buffer {
  const pool = Buffer.alloc(NONCE_BYTES * NONCES_AT_ONCE);
  let at = pool.length;
  return () => {
    if (at === pool.length) {
      randomFillSync(pool);
      at = 0;
    }
    at += NONCE_BYTES;
    return Buffer.from(pool.subarray(at - NONCE_BYTES, at));
  };
}
