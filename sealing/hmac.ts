import { hash } from "node:crypto";

const SHAPE = { sha256: { block: 64, digest: 32 }, sha512: { block: 128, digest: 64 } } as const;

/**
 * HMAC of a short message under raw bytes: two one-shot hashes. It takes a tenth of the time of `createHmac` with a
 * raw key and half of that with a key object; digests pass as `binary`, since making a buffer costs as much as hashing.
 * @param key at most one block: 64 bytes for SHA-256, 128 for SHA-512
 * @see RFC 2104
 */
export function hmac(algorithm: keyof typeof SHAPE, key: Uint8Array, message: Uint8Array): Buffer {
  const { block, digest } = SHAPE[algorithm];
  if (key.length > block) throw new RangeError(`an HMAC key of ${key.length} bytes: at most ${block}`);
  const inner = Buffer.allocUnsafe(block + message.length);
  const outer = Buffer.allocUnsafe(block + digest);
  inner.fill(0x36, 0, block);
  outer.fill(0x5c, 0, block);
  for (let at = 0; at < key.length; at++) {
    const byte = key[at] ?? 0;
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  inner.set(message, block);
  outer.write(hash(algorithm, inner, "binary"), block, "latin1");
  return Buffer.from(hash(algorithm, outer, "binary"), "latin1");
}
