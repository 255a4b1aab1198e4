import type { By } from "../domain/by.ts";
import { type Rejection, reject } from "../domain/rejection.ts";
import type { Database } from "../infra/ports/database.ts";
import type { EventLog } from "../infra/ports/eventLog.ts";
import { hasOtherAdmin, isAdmin, isOpenAdmin } from "./accountRows.ts";
import type { Follower } from "./follower.ts";

/** How long the rows of accounts may take to come to the log's head. */
const FOLDED_MS = 2_000;

const lastAdmin = reject("conflict", "the last administrator stays one");
const forAdmins = reject("forbidden", "for administrators");

/** Keeps a tenant from losing its last administrator. */
export interface Administrators {
  /**
   * Runs a change to roles or accounts in the name of an administrator.
   * @param losing who is no administrator after it; refused where nobody else could act as one
   */
  change<Done>(by: By, losing: string | undefined, act: () => Promise<Done | Rejection>): Promise<Done | Rejection>;
}

/**
 * Offices are events of the tenant, closed accounts are events of their persons: no one stream sees both. So changes to
 * either come one after the other, in all processes, and each is judged on rows that hold all of the log.
 */
export function createAdministrators({
  database,
  log,
  follower,
}: {
  readonly database: Database;
  readonly log: Pick<EventLog, "head">;
  readonly follower: Pick<Follower, "reached">;
}): Administrators {
  /** In one process they wait here, so that those who wait for the row never hold all connections. */
  let before: Promise<unknown> = Promise.resolve();

  const alone = <Done>(by: By, act: () => Promise<Done | Rejection>): Promise<Done | Rejection> =>
    database.transaction(async (tx) => {
      await tx.query("select from accounts.tenants where tenant = $1 for update", [by.tenant]);
      const { position } = await log.head();
      if (!(await follower.reached(position, FOLDED_MS)))
        return reject("unavailable", "what was decided before is not accounted for yet: try again");
      return (await isOpenAdmin(database, by.tenant, by.userId)) ? act() : forAdmins;
    });

  const isLast = async (tenant: string, userId: string) =>
    (await isAdmin(database, tenant, userId)) && !(await hasOtherAdmin(database, tenant, userId));

  return {
    change(by, losing, act) {
      const done = before.then(() =>
        alone(by, async () => (losing !== undefined && (await isLast(by.tenant, losing)) ? lastAdmin : act())),
      );
      before = done.catch(() => undefined);
      return done;
    },
  };
}
