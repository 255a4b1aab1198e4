import type { Queryable } from "../../infra/ports/database.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import { type BrokenAccess, brokenAccess } from "./accessLog.ts";
import { accessSeals } from "./sealAccessLog.ts";

export interface AccessVerified {
  readonly entries: number;
  readonly seals: number;
}

/**
 * Walks the chain of every tenant, and holds it against what the log of events says of it. Whoever alters an entry and makes
 * all after it fit is found by the first seal behind it.
 * @param onBroken told of each entry that is not what it was
 */
export async function verifyAccessLog(
  { database, log }: { readonly database: Queryable; readonly log: EventLog },
  onBroken: (broken: BrokenAccess) => void,
): Promise<AccessVerified> {
  for await (const broken of brokenAccess(database)) onBroken(broken);
  const { rows } = await database.query<{ tenant: string }>("select tenant from accounts.tenants order by tenant");
  let seals = 0;
  for (const { tenant } of rows) {
    let fits = 0;
    for await (const { entries, head, recordedAt } of accessSeals(log, tenant)) {
      seals++;
      const there = await hashAt(database, tenant, entries);
      if (there === head) fits = entries;
      else {
        const sealed = `sealed in the log at ${new Date(recordedAt).toISOString()}`;
        const found =
          there === undefined
            ? `it is gone, and was ${sealed}`
            : `it, or one after ${fits}, is not what was ${sealed}, though all fit together`;
        onBroken({ tenant, entry: entries, found });
      }
    }
  }
  const counted = await database.query<{ entries: number }>("select count(*) as entries from compliance.access_log");
  return { entries: counted.rows[0]?.entries ?? 0, seals };
}

async function hashAt(database: Queryable, tenant: string, entry: number): Promise<string | undefined> {
  const { rows } = await database.query<{ hash: string }>(
    "select encode(hash, 'hex') as hash from compliance.access_log where tenant = $1 and entry = $2",
    [tenant, entry],
  );
  return rows[0]?.hash;
}
