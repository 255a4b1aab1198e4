import { createSecretKey, type KeyObject } from "node:crypto";
import { KeysUnavailable, type SecretName, type WeekKeys } from "../ports/secrets.ts";
import { unwrap, wrap } from "./wrap.ts";

/** A secret or day key as its row has it. */
export interface Wrapped {
  readonly tenant: string;
  readonly owner: string;
  readonly bucket: string;
  readonly wrapped: Uint8Array;
}

/** What a wrap is bound to. A day key's `by` is a week key's id; a bucket secret's is empty: its day key. */
export const secretWrap = ({ tenant, owner, bucket }: Omit<Wrapped, "wrapped">, by: string): string[] => [
  "secret",
  tenant,
  owner,
  bucket,
  by,
];
export const dayKeyWrap = (tenant: string, bucket: string, by: string): string[] => ["day", tenant, bucket, by];

export const rowName = ({ tenant, of, bucket = "" }: SecretName) => ({ tenant, owner: of, bucket });

/** Unwraps rows, asking for each week key once; lives as long as one call to the store. */
export interface Opener {
  weekKey(tenant: string, id: string): Promise<KeyObject>;
  subject(row: Wrapped, weekKey: string): Promise<Buffer>;
  dayKey(tenant: string, bucket: string, row: { wrapped: Uint8Array; weekKey: string }): Promise<KeyObject>;
  /** The key that wraps now. */
  current(tenant: string): Promise<{ id: string; key: KeyObject }>;
}

const damaged = (what: string): KeysUnavailable =>
  new KeysUnavailable(`${what} does not unwrap: its row or its outer key was altered`);

export function bucketSecret(dayKey: KeyObject, row: Wrapped): Buffer {
  const secret = unwrap(dayKey, row.wrapped, secretWrap(row, ""));
  if (!secret) throw damaged(`the secret of ${row.owner} for ${row.bucket}`);
  return secret;
}

export const wrapBucketSecret = (dayKey: KeyObject, secret: Uint8Array, row: Omit<Wrapped, "wrapped">): Buffer =>
  wrap(dayKey, secret, secretWrap(row, ""));

export function createOpener(weekKeys: WeekKeys): Opener {
  const keys = new Map<string, Promise<KeyObject>>();
  const dayKeys = new Map<string, Promise<KeyObject>>();
  const weekKey = (tenant: string, id: string): Promise<KeyObject> => {
    const line = `${tenant}\n${id}`;
    const known = keys.get(line) ?? weekKeys.get(tenant, id).then((key) => createSecretKey(key));
    keys.set(line, known);
    return known;
  };
  return {
    weekKey,
    async subject(row, by) {
      const secret = unwrap(await weekKey(row.tenant, by), row.wrapped, secretWrap(row, by));
      if (!secret) throw damaged(`the secret of ${row.owner}`);
      return secret;
    },
    dayKey(tenant, bucket, { wrapped, weekKey: by }) {
      const line = `${tenant}\n${bucket}`;
      const open = async () => {
        const key = unwrap(await weekKey(tenant, by), wrapped, dayKeyWrap(tenant, bucket, by));
        if (!key) throw damaged(`the day key of ${tenant} for ${bucket}`);
        return createSecretKey(key);
      };
      const known = dayKeys.get(line) ?? open();
      dayKeys.set(line, known);
      return known;
    },
    async current(tenant) {
      const { id, key } = await weekKeys.current(tenant);
      return { id, key: createSecretKey(key) };
    },
  };
}
