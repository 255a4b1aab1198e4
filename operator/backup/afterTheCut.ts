import { erasedBeforeId } from "../../compliance/erasure/erasedBefore.ts";
import { noteErasure } from "../../compliance/erasure/erasureRows.ts";
import type { Queryable } from "../../infra/ports/database.ts";

/**
 * A person whose subject secret the ledger names was erased after this log was saved: nobody signs in as that person,
 * nobody is, and groups get another owner. Of whose erasure the log knows nothing, the server that is started on it tells.
 */
export async function eraseAgain(db: Queryable, now: Date): Promise<number> {
  const { rowCount } = await db.query(
    `update accounts.accounts a set password_hash = null, erased_at = l.destroyed_at from keys.ledger l
      where a.erased_at is null and l.tenant = a.tenant and l.bucket = '' and l.owner = a.user_id::text`,
  );
  const { rows: untold } = await db.query<{ tenant: string; userId: string }>(
    `select distinct a.tenant, a.user_id as "userId" from accounts.accounts a
      join keys.ledger l on l.tenant = a.tenant and l.bucket = '' and l.owner = a.user_id::text
      where not exists (
        select from compliance.erasures e join log.streams s on s.stream = e.tenant || '/compliance-' || e.erasure_id
        where e.tenant = a.tenant and e.user_id = a.user_id)`,
  );
  for (const person of untold) await noteErasure(db, { ...person, erasureId: erasedBeforeId(person), askedAt: now });
  await db.query(
    `update accounts.devices d set revoked_at = a.erased_at from accounts.accounts a
      where d.revoked_at is null and a.erased_at is not null and a.tenant = d.tenant and a.user_id = d.user_id`,
  );
  await db.query(
    `insert into accounts.successions (tenant, user_id, position)
     select tenant, user_id, (select coalesce(max(position), 0) from log.events) from accounts.accounts
      where erased_at is not null on conflict do nothing`,
  );
  return rowCount;
}

const COUNTED_FROM = Date.parse("2025-01-01T00:00:00Z");

/**
 * The restored log goes on in an epoch that no history of it can have had, whatever was raised after it was saved and
 * however often it is restored: the seconds since 2025. Gives it.
 */
export async function raiseEpoch(db: Queryable, now: number): Promise<number> {
  const { rows } = await db.query<{ epoch: number }>(
    `insert into log.epochs (epoch, head)
     select greatest(max(epoch) + 1, $1), (select coalesce(max(position), 0) from log.events) from log.epochs
     returning epoch`,
    [Math.floor((now - COUNTED_FROM) / 1_000)],
  );
  const [row] = rows;
  if (!row) throw new Error("the epoch was not raised");
  return row.epoch;
}
