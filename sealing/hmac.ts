import { hash } from "node:crypto";

const BLOCK_BYTES = { sha256: 64, sha512: 128 } as const;

/**
 * HMAC of a short message under raw bytes: two one-shot hashes, which take a third of the time of `createHmac` with
 * a raw key. For a key that is used often, `createHmac` with a key object is as fast.
 * @param key at most one block: 64 bytes for SHA-256, 128 for SHA-512
 * @see RFC 2104
 */
export function hmac(algorithm: "sha256" | "sha512", key: Uint8Array, message: Uint8Array): Buffer {
  const block = BLOCK_BYTES[algorithm];
  if (key.length > block) throw new RangeError(`an HMAC key of ${key.length} bytes: at most ${block}`);
  const inner = Buffer.alloc(block + message.length, 0x36);
  const outer = Buffer.alloc(block, 0x5c);
  for (const [at, byte] of key.entries()) {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  inner.set(message, block);
  return hash(algorithm, Buffer.concat([outer, hash(algorithm, inner, "buffer")]), "buffer");
}
