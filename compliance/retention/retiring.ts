import type { Queryable } from "../../infra/ports/database.ts";

/** Days of a conversation are gone, and the log does not tell of them yet: nobody could show why. */
export class RetentionUnderWay extends Error {
  override name = "RetentionUnderWay";
}

/**
 * The conversations of which days are going by retention. Whoever sees that something is gone asks this first and the log
 * then: what is not in here any more, the log tells of.
 */
export async function retiring(queryable: Queryable, tenant: string): Promise<ReadonlySet<string>> {
  const { rows } = await queryable.query<{ conversation: string }>(
    "select distinct conversation from compliance.retirements where tenant = $1",
    [tenant],
  );
  return new Set(rows.map(({ conversation }) => conversation));
}
