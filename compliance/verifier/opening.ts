import { type Bytes, concat, equal, textOf, utf8 } from "./bytes.ts";
import type { SealedBytes } from "./entry.ts";

const owned = (bytes: Uint8Array): Bytes => new Uint8Array(bytes);

/**
 * What was sealed, by the opening of that one event; undefined where the opening is of another, or anything was altered.
 * `Ke ‖ Kc = HKDF-Expand-SHA-512(mk, "scripta/seal/v1", 64)`; AES-256-GCM under `Ke`, once `Kc` is what was committed to.
 * @param mk 64 bytes
 */
export async function openSealed(mk: Uint8Array, sealed: SealedBytes): Promise<unknown> {
  const expanding = await crypto.subtle.importKey("raw", owned(mk), { name: "HMAC", hash: "SHA-512" }, false, ["sign"]);
  const info = concat(utf8("scripta/seal/v1"), Uint8Array.of(1));
  const both = new Uint8Array(await crypto.subtle.sign("HMAC", expanding, info));
  if (!equal(both.subarray(32), sealed.commitment)) return undefined;
  const key = await crypto.subtle.importKey("raw", both.slice(0, 32), "AES-GCM", false, ["decrypt"]);
  const how = { name: "AES-GCM", iv: owned(sealed.nonce), additionalData: utf8(sealed.aad) };
  try {
    return JSON.parse(textOf(new Uint8Array(await crypto.subtle.decrypt(how, key, owned(sealed.ciphertext)))));
  } catch {
    // WebCrypto says in no other way that the tag does not fit.
    return undefined;
  }
}
