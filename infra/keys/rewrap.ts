import type { Queryable } from "../ports/database.ts";
import { HOLD, type HoldRow, holdKey, holdWrap } from "./holdRows.ts";
import { dayKeyWrap, type Opener, secretWrap, type Wrapped } from "./opener.ts";
import { wrap } from "./wrap.ts";

/** Rows that one transaction wraps anew. */
const AT_ONCE = 2_000;

interface Row extends Wrapped {
  readonly weekKey: string;
}

const under = (table: string, owner: string) => `
  select tenant, ${owner} as owner, bucket, week_key as "weekKey", wrapped from ${table}
  where tenant = $1 and (week_key < $2 or week_key > $2) limit ${AT_ONCE} for update`;

const SECRETS = under("keys.secrets", "owner");
const DAY_KEYS = under("keys.day_keys", "''");

const KEEP_SECRETS = `
  update keys.secrets s set week_key = $2, wrapped = n.wrapped
  from unnest($3::text[], $4::bytea[]) as n (owner, wrapped)
  where s.tenant = $1 and s.bucket = '' and s.owner = n.owner`;
const KEEP_DAY_KEYS = `
  update keys.day_keys d set week_key = $2, wrapped = n.wrapped
  from unnest($3::text[], $4::bytea[]) as n (bucket, wrapped)
  where d.tenant = $1 and d.bucket = n.bucket`;

const HOLDS = `
  select ${HOLD} from keys.holds where tenant = $1 and (week_key < $2 or week_key > $2) limit ${AT_ONCE} for update`;
const KEEP_HOLDS = `
  update keys.holds h set week_key = $2, wrapped = n.wrapped from unnest($3::uuid[], $4::bytea[]) as n (hold_id, wrapped)
  where h.tenant = $1 and h.hold_id = n.hold_id`;

/** Wraps subject secrets, day keys and the keys of holds anew under the tenant's current week key; how many, 0 when all are. */
export async function rewrapSome(tx: Queryable, opener: Opener, tenant: string): Promise<number> {
  const { id, key } = await opener.current(tenant);
  const secrets = (await tx.query<Row>(SECRETS, [tenant, id])).rows;
  if (secrets.length > 0) {
    const wrapped = [];
    for (const row of secrets) wrapped.push(wrap(key, await opener.subject(row, row.weekKey), secretWrap(row, id)));
    await tx.query(KEEP_SECRETS, [tenant, id, secrets.map(({ owner }) => owner), wrapped]);
  }
  const dayKeys = (await tx.query<Row>(DAY_KEYS, [tenant, id])).rows;
  if (dayKeys.length > 0) {
    const wrapped = [];
    for (const row of dayKeys) {
      const dayKey = await opener.dayKey(tenant, row.bucket, row);
      wrapped.push(wrap(key, dayKey.export(), dayKeyWrap(tenant, row.bucket, id)));
    }
    await tx.query(KEEP_DAY_KEYS, [tenant, id, dayKeys.map(({ bucket }) => bucket), wrapped]);
  }
  const holds = (await tx.query<HoldRow>(HOLDS, [tenant, id])).rows;
  if (holds.length > 0) {
    const wrapped = [];
    for (const hold of holds)
      wrapped.push(wrap(key, (await holdKey(opener, hold)).export(), holdWrap(tenant, hold.holdId, id)));
    await tx.query(KEEP_HOLDS, [tenant, id, holds.map(({ holdId }) => holdId), wrapped]);
  }
  return secrets.length + dayKeys.length + holds.length;
}
