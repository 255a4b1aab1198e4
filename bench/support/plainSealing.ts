import { hash } from "node:crypto";
import type { SecretStore } from "../../infra/ports/secrets.ts";
import { createSealing, type RunningSealing } from "../../sealing/sealing.ts";

const NONE = Buffer.alloc(32);
const NO_NONCE = Buffer.alloc(12);

/** Where content would be sealed it lies in clear, in rows of the same form: what sealing costs is measured against it. */
export function plainSealing(secrets: SecretStore): RunningSealing {
  return {
    ...createSealing({ secrets }),
    seal: async (what) =>
      what.map(({ subject, bucket, content }) => ({
        subject,
        bucket,
        commitment: NONE,
        nonce: NO_NONCE,
        ciphertext: Buffer.from(JSON.stringify(content), "utf8"),
      })),
    prepare: async () => undefined,
    open: async (what) =>
      what.map(({ sealed }) => ({
        state: "readable",
        content: JSON.parse(Buffer.from(sealed.ciphertext).toString("utf8")),
      })),
    hashUnder: async (_, bytes) => hash("sha256", bytes, "buffer"),
  };
}
