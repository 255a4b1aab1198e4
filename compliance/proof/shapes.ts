import { z } from "zod";

const Base64 = z.base64();

export const Opening = z.strictObject({
  stream: z.string(),
  revision: z.int(),
  recordedAt: z.iso.datetime({ precision: 3 }),
  link: Base64,
  salt: Base64,
  event: z.strictObject({ id: z.uuid(), type: z.string(), version: z.int() }),
  data: z.string(),
  meta: z.string(),
  sealed: z
    .strictObject({ commitment: Base64, nonce: Base64, ciphertext: Base64, aad: z.string(), mk: Base64.nullable() })
    .nullable(),
  prevLeaf: Base64.optional(),
  linkSalt: Base64.optional(),
});
export type Opening = z.infer<typeof Opening>;

/** That one event is in the log, with what opens its entry and no other. */
export const ProvenEvent = z.strictObject({ proof: z.string(), entry: Base64, opening: Opening });
export type ProvenEvent = z.infer<typeof ProvenEvent>;

export const Proof = ProvenEvent.extend({
  verdict: z.enum(["intact", "erased", "held", "tampered"]),
  coveredBy: ProvenEvent.optional(),
});
export type Proof = z.infer<typeof Proof>;
