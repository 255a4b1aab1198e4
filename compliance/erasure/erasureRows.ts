import type { Queryable } from "../../infra/ports/database.ts";

export interface ErasureRow {
  readonly tenant: string;
  readonly erasureId: string;
  readonly userId: string;
  readonly askedAt: Date;
}

/** To be said before the log is told, so that whatever the log holds is known here. */
export async function noteErasure(queryable: Queryable, row: ErasureRow): Promise<void> {
  await queryable.query(
    `insert into compliance.erasures (tenant, erasure_id, user_id, asked_at) values ($1, $2, $3, $4)
     on conflict do nothing`,
    [row.tenant, row.erasureId, row.userId, row.askedAt],
  );
}

/** Whether an erasure of this person was asked for. */
export async function isNoted(queryable: Queryable, tenant: string, userId: string): Promise<boolean> {
  const { rowCount } = await queryable.query("select from compliance.erasures where tenant = $1 and user_id = $2", [
    tenant,
    userId,
  ]);
  return rowCount > 0;
}

/** Those with something left to do, in the order in which they were asked for. */
export async function openErasures(queryable: Queryable): Promise<ErasureRow[]> {
  const { rows } = await queryable.query<ErasureRow>(
    `select tenant, erasure_id as "erasureId", user_id as "userId", asked_at as "askedAt" from compliance.erasures
     where not closed order by asked_at, erasure_id`,
  );
  return rows;
}

export async function closeErasure(queryable: Queryable, tenant: string, erasureId: string): Promise<void> {
  await queryable.query("update compliance.erasures set closed = true where tenant = $1 and erasure_id = $2", [
    tenant,
    erasureId,
  ]);
}

/** One that the log never came to know. */
export async function dropErasure(queryable: Queryable, tenant: string, erasureId: string): Promise<void> {
  await queryable.query("delete from compliance.erasures where tenant = $1 and erasure_id = $2", [tenant, erasureId]);
}
