import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import type { z } from "zod";
import type { By } from "../domain/by.ts";
import { NONCE_BYTES, nonces } from "../sealing/nonces.ts";

/** Whom a cursor is for. */
export type Holder = Pick<By, "tenant" | "userId" | "deviceId">;

/** Sealed places in a list or in the log. Whoever holds one learns nothing from it and can change nothing about it. */
export interface Cursors {
  /** For this person, device and epoch, and for one purpose. */
  seal(purpose: string, by: Holder, value: unknown): string;
  /** Undefined for everything that this did not seal for the same purpose, person, device and epoch. */
  open<Schema extends z.ZodType>(
    purpose: string,
    by: Holder,
    schema: Schema,
    cursor: string,
  ): z.output<Schema> | undefined;
}

const TAG = 16;

/** @param key 32 bytes, the same in every process of a deployment; @param epoch of the log */
export function createCursors(key: KeyObject, epoch: number): Cursors {
  const bound = (purpose: string, { tenant, userId, deviceId }: Holder) =>
    Buffer.from(JSON.stringify(["scripta/cursor/v1", purpose, tenant, userId, deviceId, epoch]), "utf8");
  const nextNonce = nonces();
  return {
    seal(purpose, by, value) {
      const nonce = nextNonce();
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(bound(purpose, by));
      const sealed = Buffer.concat([cipher.update(JSON.stringify(value), "utf8"), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString("base64url");
    },
    open(purpose, by, schema, cursor) {
      const bytes = Buffer.from(cursor, "base64url");
      if (bytes.length < NONCE_BYTES + TAG || bytes.toString("base64url") !== cursor) return undefined;
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG })
        .setAAD(bound(purpose, by))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG));
      let text = decipher.update(bytes.subarray(NONCE_BYTES + TAG)).toString("utf8");
      try {
        text += decipher.final("utf8");
      } catch {
        // Not ours, not this person's, or altered: nothing of it is used.
        return undefined;
      }
      const parsed = schema.safeParse(JSON.parse(text));
      return parsed.success ? parsed.data : undefined;
    },
  };
}
