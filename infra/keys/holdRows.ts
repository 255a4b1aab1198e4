import { createSecretKey, type KeyObject } from "node:crypto";
import { isRedactedNameSubject, parseStreamId, type StreamId, streamId } from "../../domain/ids.ts";
import { contentKey } from "../../sealing/contentKey.ts";
import type { Queryable } from "../ports/database.ts";
import { AuthorsNeeded, type HeldKeyName, type Hold } from "../ports/holds.ts";
import { KeysUnavailable, type SecretName } from "../ports/secrets.ts";
import { bucketSecret, type Opener } from "./opener.ts";
import { unwrap, wrap } from "./wrap.ts";

/** A hold as its row has it. */
export interface HoldRow extends Hold {
  readonly weekKey: string;
  readonly wrapped: Buffer;
  readonly placedAt: Date;
}

/** A bucket secret that is there, with its day key. */
interface BucketRow {
  readonly tenant: string;
  readonly owner: string;
  readonly bucket: string;
  readonly wrapped: Buffer;
  readonly dayWrapped: Buffer | null;
  readonly dayWeekKey: string | null;
}

export const HOLD = `tenant, hold_id as "holdId", conversation as "conversationId", person as "userId",
  from_day as "fromDay", to_day as "toDay", placed_at as "placedAt", week_key as "weekKey", wrapped`;

export const holdWrap = (tenant: string, holdId: string, by: string): string[] => ["hold", tenant, holdId, by];
const heldWrap = (tenant: string, holdId: string, { stream, subject, bucket }: HeldKeyName): string[] => [
  "held",
  tenant,
  holdId,
  stream,
  subject,
  bucket,
];

export const holdsOf = async (db: Queryable, tenants: readonly string[]): Promise<HoldRow[]> =>
  (
    await db.query<HoldRow>(`select ${HOLD} from keys.holds where tenant = any($1) order by placed_at, hold_id`, [
      tenants,
    ])
  ).rows;

/** @throws KeysUnavailable */
export async function holdKey(opener: Opener, { tenant, holdId, weekKey, wrapped }: HoldRow): Promise<KeyObject> {
  const key = unwrap(await opener.weekKey(tenant, weekKey), wrapped, holdWrap(tenant, holdId, weekKey));
  if (!key)
    throw new KeysUnavailable(`the key of the hold ${holdId} does not unwrap: its row or its outer key was altered`);
  return createSecretKey(key);
}

const isWithin = ({ fromDay, toDay }: Hold, bucket: string): boolean =>
  (fromDay === null || bucket >= fromDay) && (toDay === null || bucket <= toDay);

/**
 * Where in a hold's scope something can be sealed under this subject: a person's words in conversations lie in the days'
 * buckets, what lasts (a person's profile, a conversation's own name) in `-`.
 */
const BUCKETS = `
  select s.tenant, s.owner, s.bucket, s.wrapped, d.wrapped as "dayWrapped", d.week_key as "dayWeekKey"
  from keys.secrets s left join keys.day_keys d on d.tenant = s.tenant and d.bucket = s.bucket
  where s.tenant = $1 and case
    when $2::text is not null and $6 then s.bucket = '-' and s.owner = $2
    when $2::text is not null then s.owner = $2 and s.bucket > '-'
    else (s.bucket > '-' and s.owner like $1 || '/conversation-%') or (s.bucket = '-' and s.owner = $3) end
  and (s.bucket = '-' or (s.bucket >= coalesce($4, '') and s.bucket <= coalesce($5, 'z')))`;

/** The bucket secrets that make, with this subject's, keys in the scope of a hold; none where it is of another. */
export async function bucketsHeld(db: Queryable, hold: HoldRow, subject: string): Promise<BucketRow[]> {
  const { tenant, conversationId, userId, fromDay, toDay } = hold;
  if (userId !== null && userId !== subject) return [];
  const { rows } = await db.query<BucketRow>(BUCKETS, [
    tenant,
    conversationId && streamId(tenant, "conversation", conversationId),
    streamId(tenant, "user", subject),
    fromDay,
    toDay,
    subject === conversationId || isRedactedNameSubject(subject),
  ]);
  return rows;
}

async function openBucket(opener: Opener, row: BucketRow): Promise<Buffer> {
  if (!row.dayWrapped || row.dayWeekKey === null)
    throw new KeysUnavailable(`the day key of ${row.tenant} for ${row.bucket} is missing`);
  const dayKey = await opener.dayKey(row.tenant, row.bucket, { wrapped: row.dayWrapped, weekKey: row.dayWeekKey });
  return bucketSecret(dayKey, row);
}

/** How whoever destroys finds secrets: 32 bytes each, undefined where it is not there any more. */
export type Secrets = (names: readonly SecretName[]) => Promise<(Buffer | undefined)[]>;

interface Kept extends HeldKeyName {
  readonly tenant: string;
  readonly holdId: string;
  readonly wrapped: Buffer;
}

const KEEP = `
  insert into keys.held_keys (tenant, hold_id, stream, subject, bucket, wrapped)
  select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[])
  on conflict do nothing`;

/**
 * Keeps for each hold the content keys in its scope that go with these secrets: in the transaction that destroys them,
 * before it does.
 * @param authors whose content may lie in the buckets that go
 * @throws AuthorsNeeded, KeysUnavailable
 */
export async function keepForHolds(
  tx: Queryable,
  opener: Opener,
  secrets: Secrets,
  names: readonly SecretName[],
  authors: readonly string[] | undefined,
): Promise<void> {
  const kept: Kept[] = [];
  for (const hold of await holdsOf(tx, [...new Set(names.map(({ tenant }) => tenant))])) {
    const key = await holdKey(opener, hold);
    const { tenant, holdId } = hold;
    for (const name of names.filter((one) => one.tenant === tenant)) {
      const halves =
        name.bucket === undefined
          ? await halvesOfSubject(tx, opener, secrets, hold, name.of)
          : await halvesOfBucket(secrets, hold, { of: name.of, bucket: name.bucket }, authors);
      for (const { subjectSecret, bucketSecret, ...of } of halves) {
        const made = contentKey(subjectSecret, bucketSecret, of).export();
        kept.push({ ...of, tenant, holdId, wrapped: wrap(key, made, heldWrap(tenant, holdId, of)) });
      }
    }
  }
  if (kept.length === 0) return;
  await tx.query(KEEP, [
    kept.map(({ tenant }) => tenant),
    kept.map(({ holdId }) => holdId),
    kept.map(({ stream }) => stream),
    kept.map(({ subject }) => subject),
    kept.map(({ bucket }) => bucket),
    kept.map(({ wrapped }) => wrapped),
  ]);
}

interface Halves extends HeldKeyName {
  readonly subjectSecret: Buffer;
  readonly bucketSecret: Buffer;
}

async function halvesOfSubject(
  tx: Queryable,
  opener: Opener,
  secrets: Secrets,
  hold: HoldRow,
  subject: string,
): Promise<Halves[]> {
  const buckets = await bucketsHeld(tx, hold, subject);
  const [subjectSecret] = buckets.length > 0 ? await secrets([{ tenant: hold.tenant, of: subject }]) : [];
  if (!subjectSecret) return [];
  const halves: Halves[] = [];
  for (const row of buckets)
    halves.push({
      stream: streamNamed(row.owner),
      subject,
      bucket: row.bucket,
      subjectSecret,
      bucketSecret: await openBucket(opener, row),
    });
  return halves;
}

async function halvesOfBucket(
  secrets: Secrets,
  hold: HoldRow,
  { of, bucket }: { readonly of: string; readonly bucket: string },
  authors: readonly string[] | undefined,
): Promise<Halves[]> {
  const { tenant, conversationId, userId } = hold;
  const { kind, id } = parseStreamId(of);
  if (kind !== "conversation" || (conversationId !== null && id !== conversationId) || !isWithin(hold, bucket))
    return [];
  const whose = userId === null ? authors : [userId];
  if (!whose) throw new AuthorsNeeded(`a hold keeps ${of} of ${bucket}, whoever wrote there`);
  const [secret, ...subjects] = await secrets([
    { tenant, of, bucket },
    ...whose.map((author) => ({ tenant, of: author })),
  ]);
  if (!secret) return [];
  return whose.flatMap((subject, at) => {
    const subjectSecret = subjects[at];
    return subjectSecret ? [{ stream: streamNamed(of), subject, bucket, subjectSecret, bucketSecret: secret }] : [];
  });
}

const streamNamed = (name: string): StreamId => {
  const { tenant, kind, id } = parseStreamId(name);
  return streamId(tenant, kind, id);
};

/** Those of the holds that something in these streams (or in any), sealed under this subject, is needed for. */
export async function holdsOver(
  tx: Queryable,
  tenant: string,
  subject: string,
  streams?: readonly string[],
): Promise<string[]> {
  const own = streams && new Set([...streams, streamId(tenant, "user", subject)]);
  const over: string[] = [];
  for (const hold of await holdsOf(tx, [tenant]))
    if ((await bucketsHeld(tx, hold, subject)).some(({ owner }) => !own || own.has(owner))) over.push(hold.holdId);
  return over;
}

/** 32 bytes each, in the order asked; undefined where no hold kept it. */
export async function heldKeys(
  db: Queryable,
  opener: Opener,
  tenant: string,
  names: readonly HeldKeyName[],
): Promise<(Buffer | undefined)[]> {
  if (names.length === 0) return [];
  const { rows } = await db.query<{ holdId: string; at: number; wrapped: Buffer }>(
    `select distinct on (n.at) k.hold_id as "holdId", n.at, k.wrapped
     from unnest($2::text[], $3::text[], $4::text[]) with ordinality as n (stream, subject, bucket, at)
     join keys.held_keys k on k.tenant = $1 and k.stream = n.stream and k.subject = n.subject and k.bucket = n.bucket
     order by n.at, k.hold_id`,
    [tenant, names.map(({ stream }) => stream), names.map(({ subject }) => subject), names.map(({ bucket }) => bucket)],
  );
  const holds = new Map(rows.length > 0 ? (await holdsOf(db, [tenant])).map((hold) => [hold.holdId, hold]) : []);
  const keys: (Buffer | undefined)[] = names.map(() => undefined);
  for (const { holdId, at, wrapped } of rows) {
    const hold = holds.get(holdId);
    const name = names[at - 1];
    // Lifted since.
    if (!hold || !name) continue;
    const key = unwrap(await holdKey(opener, hold), wrapped, heldWrap(tenant, holdId, name));
    if (!key)
      throw new KeysUnavailable(`what the hold ${holdId} keeps of ${name.stream} does not unwrap: it was altered`);
    keys[at - 1] = key;
  }
  return keys;
}
