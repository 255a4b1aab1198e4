import { createSecretKey, type KeyObject } from "node:crypto";
import type { StreamId } from "../domain/ids.ts";
import { hmac } from "./hmac.ts";

/** What a content key is for: one person's words, in one stream, of one bucket. */
export interface ContentKeyName {
  readonly stream: StreamId;
  /** UUID of the person or conversation whose subject secret is one half. */
  readonly subject: string;
  /** A UTC day such as `2026-11-21`, or `-`. */
  readonly bucket: string;
}

const NO_SALT = Buffer.alloc(32);
const FIRST_BLOCK = Buffer.from([1]);

export const tenantOf = (stream: StreamId): string => stream.slice(0, stream.indexOf("/"));

/**
 * A content key from its two halves; without either of them it is gone.
 * HKDF-SHA-256(ikm = subject secret ‖ bucket secret, no salt, info = what it is for), 32 bytes.
 * @param subjectSecret 32 bytes
 * @param bucketSecret 32 bytes
 * @see RFC 5869
 */
export function contentKey(subjectSecret: Uint8Array, bucketSecret: Uint8Array, name: ContentKeyName): KeyObject {
  const info = JSON.stringify(["scripta/content/v1", tenantOf(name.stream), name.subject, name.stream, name.bucket]);
  const extracted = hmac("sha256", NO_SALT, Buffer.concat([subjectSecret, bucketSecret]));
  return createSecretKey(hmac("sha256", extracted, Buffer.concat([Buffer.from(info, "utf8"), FIRST_BLOCK])));
}
