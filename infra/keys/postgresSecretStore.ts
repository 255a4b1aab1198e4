import { randomBytes } from "node:crypto";
import type { Database, Queryable } from "../ports/database.ts";
import { AuthorsNeeded, type Hold, type Holds } from "../ports/holds.ts";
import {
  type Buckets,
  destroyed,
  KeysUnavailable,
  type SecretName,
  type SecretStore,
  type WeekKeys,
  type WrappedSecrets,
} from "../ports/secrets.ts";
import { HOLD, type HoldRow, heldKeys, holdsOver, holdWrap, keepForHolds } from "./holdRows.ts";
import {
  bucketSecret,
  createOpener,
  dayKeyWrap,
  type Opener,
  type rowName,
  secretWrap,
  wrapBucketSecret,
} from "./opener.ts";
import { rewrapSome } from "./rewrap.ts";
import { wrap } from "./wrap.ts";

/** Held in shared mode by whoever wraps, alone by whoever destroys: any number that nobody else locks. */
const LOCK = 7_306_581;
const whileWrapping = (tx: Queryable) => tx.query("select pg_advisory_xact_lock_shared($1)", [LOCK]);
const alone = (tx: Queryable) => tx.query("select pg_advisory_xact_lock($1)", [LOCK]);

interface Found {
  readonly tenant: string;
  readonly owner: string;
  readonly bucket: string;
  readonly gone: boolean;
  readonly wrapped: Buffer | null;
  readonly weekKey: string | null;
  readonly dayWrapped: Buffer | null;
  readonly dayWeekKey: string | null;
}

const NAMES = "unnest($1::text[], $2::text[], $3::text[]) with ordinality as n (tenant, owner, bucket, at)";

const FIND = `
  select n.tenant, n.owner, n.bucket, l.position is not null as gone, s.wrapped, s.week_key as "weekKey",
    d.wrapped as "dayWrapped", d.week_key as "dayWeekKey"
  from ${NAMES}
  left join keys.secrets s on s.tenant = n.tenant and s.bucket = n.bucket and s.owner = n.owner
  left join keys.ledger l on l.tenant = n.tenant and l.bucket = n.bucket and l.owner = n.owner
  left join keys.day_keys d on d.tenant = n.tenant and d.bucket = n.bucket and n.bucket <> ''
  order by n.at`;

// In one order everywhere, so that two processes that make the same names wait for each other but never in a ring.
const MAKE_DAY_KEYS = `
  insert into keys.day_keys (tenant, bucket, week_key, wrapped)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) as n (tenant, bucket, week_key, wrapped)
  order by tenant, bucket
  on conflict do nothing`;

const DAY_KEYS = `
  select d.tenant, d.bucket, d.week_key as "weekKey", d.wrapped
  from unnest($1::text[], $2::text[]) as n (tenant, bucket)
  join keys.day_keys d on d.tenant = n.tenant and d.bucket = n.bucket`;

const MAKE_SECRETS = `
  insert into keys.secrets (tenant, owner, bucket, week_key, wrapped)
  select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bytea[])
    as n (tenant, owner, bucket, week_key, wrapped)
  where not exists (
    select from keys.ledger l where l.tenant = n.tenant and l.bucket = n.bucket and l.owner = n.owner)
  order by tenant, bucket, owner
  on conflict do nothing`;

const DESTROY = `
  with named as (select distinct tenant, owner, bucket from ${NAMES}),
  gone as (
    delete from keys.secrets s using named n
    where s.tenant = n.tenant and s.bucket = n.bucket and s.owner = n.owner)
  insert into keys.ledger (position, tenant, owner, bucket)
  select (select coalesce(max(position), 0) from keys.ledger) + row_number() over (order by tenant, bucket, owner),
    tenant, owner, bucket
  from named n
  where not exists (
    select from keys.ledger l where l.tenant = n.tenant and l.bucket = n.bucket and l.owner = n.owner)`;

/** A day key that wraps nothing any more goes too: then old copies of what it wrapped die with the next week key. */
const RETIRE_DAY_KEYS = `
  delete from keys.day_keys d using (select distinct tenant, bucket from ${NAMES} where bucket <> '') n
  where d.tenant = n.tenant and d.bucket = n.bucket
    and not exists (select from keys.secrets s where s.tenant = d.tenant and s.bucket = d.bucket)`;

const HEAD = "select coalesce(max(position), 0)::bigint as head from keys.ledger";

const columns = (names: readonly SecretName[]): string[][] => [
  names.map(({ tenant }) => tenant),
  names.map(({ of }) => of),
  names.map(({ bucket = "" }) => bucket),
];

const find = async (db: Queryable, names: readonly SecretName[]): Promise<Found[]> =>
  names.length === 0 ? [] : (await db.query<Found>(FIND, columns(names))).rows;

async function open(opener: Opener, row: Found): Promise<Buffer | typeof destroyed | undefined> {
  if (row.gone) return destroyed;
  if (!row.wrapped) return undefined;
  const wrapped = { ...row, wrapped: row.wrapped };
  if (row.weekKey !== null) return opener.subject(wrapped, row.weekKey);
  if (!row.dayWrapped || row.dayWeekKey === null)
    throw new KeysUnavailable(`the day key of ${row.tenant} for ${row.bucket} is missing`);
  const day = { wrapped: row.dayWrapped, weekKey: row.dayWeekKey };
  return bucketSecret(await opener.dayKey(row.tenant, row.bucket, day), wrapped);
}

async function openAll(opener: Opener, rows: readonly Found[]): Promise<(Buffer | typeof destroyed | undefined)[]> {
  const secrets = [];
  for (const row of rows) secrets.push(await open(opener, row));
  return secrets;
}

/** Makes what is missing, inside a transaction that holds the lock. */
async function make(tx: Queryable, opener: Opener, missing: readonly Found[]): Promise<void> {
  const weekKeys = new Map<string, Awaited<ReturnType<Opener["current"]>>>();
  for (const { tenant } of missing) if (!weekKeys.has(tenant)) weekKeys.set(tenant, await opener.current(tenant));
  const weekKeyOf = (tenant: string) => {
    const key = weekKeys.get(tenant);
    if (!key) throw new KeysUnavailable(`no week key of ${tenant}`);
    return key;
  };

  const days = new Map(
    missing.filter(({ bucket }) => bucket !== "").map((row) => [`${row.tenant}\n${row.bucket}`, row]),
  );
  const dayKeys = new Map<string, Awaited<ReturnType<Opener["dayKey"]>>>();
  if (days.size > 0) {
    const wanted = [...days.values()];
    const tenants = wanted.map(({ tenant }) => tenant);
    const buckets = wanted.map(({ bucket }) => bucket);
    const made = wanted.map(({ tenant, bucket }) => {
      const { id, key } = weekKeyOf(tenant);
      return { id, wrapped: wrap(key, randomBytes(32), dayKeyWrap(tenant, bucket, id)) };
    });
    await tx.query(MAKE_DAY_KEYS, [tenants, buckets, made.map(({ id }) => id), made.map(({ wrapped }) => wrapped)]);
    const { rows } = await tx.query<{ tenant: string; bucket: string; weekKey: string; wrapped: Buffer }>(DAY_KEYS, [
      tenants,
      buckets,
    ]);
    for (const row of rows)
      dayKeys.set(`${row.tenant}\n${row.bucket}`, await opener.dayKey(row.tenant, row.bucket, row));
  }

  const rows = missing.map((row) => {
    const secret = randomBytes(32);
    if (row.bucket === "") {
      const { id, key } = weekKeyOf(row.tenant);
      return { ...row, by: id, bytes: wrap(key, secret, secretWrap(row, id)) };
    }
    const dayKey = dayKeys.get(`${row.tenant}\n${row.bucket}`);
    if (!dayKey) throw new KeysUnavailable(`the day key of ${row.tenant} for ${row.bucket} could not be made`);
    return { ...row, by: null, bytes: wrapBucketSecret(dayKey, secret, row) };
  });
  await tx.query(MAKE_SECRETS, [
    rows.map(({ tenant }) => tenant),
    rows.map(({ owner }) => owner),
    rows.map(({ bucket }) => bucket),
    rows.map(({ by }) => by),
    rows.map(({ bytes }) => bytes),
  ]);
}

/** Says by one name whatever kept the store from answering. */
async function answering<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KeysUnavailable || error instanceof AuthorsNeeded) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new KeysUnavailable(`the key store does not answer: ${reason}`, { cause: error });
  }
}

/** For `fileWeekKeys`: whether a tenant has anything that a week key wraps. */
export const anythingWrapped = (db: Queryable) => (tenant: string) =>
  answering(async () => {
    const { rows } = await db.query<{ any: boolean }>(
      `select exists (select from keys.secrets where tenant = $1)
         or exists (select from keys.day_keys where tenant = $1)
         or exists (select from keys.holds where tenant = $1) as any`,
      [tenant],
    );
    return rows.some(({ any }) => any);
  });

/** Secrets in a Postgres, wrapped under keys that are kept elsewhere. */
export function postgresSecretStore(db: Database, weekKeys: WeekKeys): SecretStore & WrappedSecrets & Holds & Buckets {
  const ensure = async (names: readonly SecretName[]) => {
    const before = await find(db, names);
    const missing = before.filter(({ gone, wrapped }) => !gone && !wrapped);
    const opener = createOpener(weekKeys);
    if (missing.length > 0) {
      // A first key is made before a connection is held, since making it asks the database, too.
      for (const tenant of new Set(missing.map((row) => row.tenant))) await opener.current(tenant);
      await db.transaction(async (tx) => {
        await whileWrapping(tx);
        await make(tx, opener, missing);
      });
    }
    const secrets = await openAll(createOpener(weekKeys), missing.length > 0 ? await find(db, names) : before);
    return secrets.map((secret, at) => {
      if (secret === undefined) throw new KeysUnavailable(`a secret of ${names[at]?.of} could not be made`);
      return secret;
    });
  };

  /** In a transaction that holds the lock alone, so that no hold comes in between. */
  const destroyIn = async (tx: Queryable, names: readonly SecretName[], authors?: readonly string[]) => {
    const opener = createOpener(weekKeys);
    const there = async (asked: readonly SecretName[]) =>
      (await openAll(opener, await find(tx, asked))).map((secret) => (secret === destroyed ? undefined : secret));
    await keepForHolds(tx, opener, there, names, authors);
    await tx.query(DESTROY, columns(names));
    await tx.query(RETIRE_DAY_KEYS, columns(names));
  };

  const destroy = async (names: readonly SecretName[], authors?: readonly string[]) =>
    db.transaction(async (tx) => {
      await alone(tx);
      await destroyIn(tx, names, authors);
      return (await tx.query<{ head: number }>(HEAD)).rows[0]?.head ?? 0;
    });

  const destroyUnlessHeld = async (tenant: string, userId: string, streams?: readonly string[]) =>
    db.transaction(async (tx) => {
      await alone(tx);
      const over = await holdsOver(tx, tenant, userId, streams);
      if (over.length === 0) await destroyIn(tx, [{ tenant, of: userId }]);
      return over;
    });

  const place = async ({ tenant, holdId, conversationId, userId, fromDay, toDay }: Hold) => {
    const opener = createOpener(weekKeys);
    await opener.current(tenant);
    await db.transaction(async (tx) => {
      await whileWrapping(tx);
      const { id, key } = await opener.current(tenant);
      const wrapped = wrap(key, randomBytes(32), holdWrap(tenant, holdId, id));
      await tx.query(
        `insert into keys.holds (tenant, hold_id, conversation, person, from_day, to_day, week_key, wrapped)
         values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
        [tenant, holdId, conversationId, userId, fromDay, toDay, id, wrapped],
      );
    });
  };

  const ledger = async (after: number) => {
    const head = (await db.query<{ head: number }>(HEAD)).rows[0]?.head ?? 0;
    if (head <= after) return { head, destroyed: [] };
    const { rows } = await db.query<ReturnType<typeof rowName>>(
      "select tenant, owner, bucket from keys.ledger where position > $1 and position <= $2 order by position",
      [after, head],
    );
    return {
      head,
      destroyed: rows.map(({ tenant, owner, bucket }) =>
        bucket === "" ? { tenant, of: owner } : { tenant, of: owner, bucket },
      ),
    };
  };

  return {
    ensure: (names) => answering(() => ensure(names)),
    get: (names) => answering(async () => openAll(createOpener(weekKeys), await find(db, names))),
    destroy: (names, authors) => answering(() => destroy(names, authors)),
    ledger: (after) => answering(() => ledger(after)),
    place: (hold) => answering(() => place(hold)),
    lift: (tenant, holdId) =>
      answering(async () => {
        await db.query("delete from keys.holds where tenant = $1 and hold_id = $2", [tenant, holdId]);
      }),
    list: (tenant) =>
      answering(async () => {
        const { rows } = await db.query<HoldRow>(
          `select ${HOLD} from keys.holds where tenant = $1 order by placed_at, hold_id`,
          [tenant],
        );
        return rows.map(({ weekKey: _, wrapped: _key, ...hold }) => hold);
      }),
    over: (tenant, userId, streams) => answering(() => holdsOver(db, tenant, userId, streams)),
    destroyUnlessHeld: (tenant, userId, streams) => answering(() => destroyUnlessHeld(tenant, userId, streams)),
    heldKeys: (tenant, names) => answering(() => heldKeys(db, createOpener(weekKeys), tenant, names)),
    before: (tenant, day, limit) =>
      answering(async () => {
        const { rows } = await db.query<{ conversationId: string; day: string }>(
          `select right(owner, 36) as "conversationId", bucket as day from keys.secrets
           where tenant = $1 and bucket > '-' and bucket < $2 and owner like tenant || '/conversation-%'
           order by bucket, owner limit $3`,
          [tenant, day, limit],
        );
        return rows;
      }),
    tenants: () =>
      answering(async () => {
        const { rows } = await db.query<{ tenant: string }>(
          "select tenant from keys.secrets union select tenant from keys.day_keys union select tenant from keys.holds order by tenant",
        );
        return rows.map(({ tenant }) => tenant);
      }),
    rewrap: (tenant) =>
      answering(() =>
        db.transaction(async (tx) => {
          await whileWrapping(tx);
          return rewrapSome(tx, createOpener(weekKeys), tenant);
        }),
      ),
    whileNothingIsWrapped: (work) =>
      db.transaction(async (tx) => {
        await alone(tx);
        return work((tenant, weekKey) =>
          answering(async () => {
            const { rows } = await tx.query<{ used: boolean }>(
              `select exists (select from keys.secrets where tenant = $1 and week_key = $2)
                 or exists (select from keys.day_keys where tenant = $1 and week_key = $2)
                 or exists (select from keys.holds where tenant = $1 and week_key = $2) as used`,
              [tenant, weekKey],
            );
            return rows.some(({ used }) => used);
          }),
        );
      }),
  };
}
