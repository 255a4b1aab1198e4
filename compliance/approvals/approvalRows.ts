import type { Queryable } from "../../infra/ports/database.ts";

export interface ApprovalRow {
  readonly tenant: string;
  readonly caseId: string;
  readonly askedAt: Date;
}

/** To be said before the log is told, so that whatever the log holds is known here. What was closed is asked for anew. */
export async function noteApproval(queryable: Queryable, { tenant, caseId, askedAt }: ApprovalRow): Promise<void> {
  await queryable.query(
    `insert into compliance.approvals as a (tenant, case_id, asked_at) values ($1, $2, $3)
     on conflict (tenant, case_id) do update set asked_at = excluded.asked_at, closed = false where a.closed`,
    [tenant, caseId, askedAt],
  );
}

/** Those that wait, or are not carried out yet, in the order in which they were asked for: of one tenant, or of all. */
export async function openApprovals(queryable: Queryable, tenant: string | null = null): Promise<ApprovalRow[]> {
  const { rows } = await queryable.query<ApprovalRow>(
    `select tenant, case_id as "caseId", asked_at as "askedAt" from compliance.approvals
     where not closed and ($1::text is null or tenant = $1) order by asked_at, case_id`,
    [tenant],
  );
  return rows;
}

/** As long as it was not asked for anew meanwhile. */
export async function closeApproval(queryable: Queryable, { tenant, caseId, askedAt }: ApprovalRow): Promise<void> {
  await queryable.query(
    "update compliance.approvals set closed = true where tenant = $1 and case_id = $2 and asked_at = $3",
    [tenant, caseId, askedAt],
  );
}
