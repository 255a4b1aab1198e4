import type { Queryable } from "../../infra/ports/database.ts";
import { findAccesses } from "../access/findAccesses.ts";

const PAGE = 500;

/** JSON lines: who was shown what of a person, and when, the oldest first. Others' purposes are theirs, and not in it. */
export async function* accessesTo(database: Queryable, tenant: string, userId: string): AsyncGenerator<string> {
  for (let after: number | undefined; ; ) {
    const found = await findAccesses(database, tenant, { userId, order: "oldest", after, limit: PAGE });
    for (const { entry, at, actor, action, about } of found)
      yield `${JSON.stringify({ entry, at: at.toISOString(), actor, action, about })}\n`;
    if (found.length < PAGE) return;
    after = found.at(-1)?.entry;
  }
}
