import { importPeople } from "../commands/index.ts";
import type { By } from "../domain/by.ts";
import type { Database } from "../infra/ports/database.ts";
import type { AccountParts } from "./parts.ts";

export interface AccountToImport {
  readonly userId: string;
  readonly displayName: string;
  /** The wanted one first; the first that is free is taken. */
  readonly usernames: readonly string[];
}

/**
 * Makes local accounts without a password, in the order given; who has one already is left as it is. Killed anywhere,
 * the same again goes on there: a claim without an event is claimed anew, an event without an account is completed by
 * whatever follows the log.
 * @throws Error where somebody has no free name
 */
export async function importAccounts(
  { engine, database }: AccountParts,
  people: readonly AccountToImport[],
  by: By,
): Promise<void> {
  const missing = await withoutAccount(database, by.tenant, people);
  if (missing.length === 0) return;
  const names = new Map<string, string>();
  for (let choice = 0; names.size < missing.length; choice++) {
    const nameless = missing.filter(({ userId }) => !names.has(userId));
    const wanted = await Promise.all(
      nameless.map(async ({ userId, usernames }) => {
        const username = usernames[choice];
        if (username === undefined) throw new Error(`no user name is free for the person ${userId}`);
        return { userId, username, hash: await engine.sealing.lookupHash(by.tenant, "username", username) };
      }),
    );
    const claimed = await claimNames(database, wanted, by);
    for (const { userId, username } of wanted) if (claimed.has(userId)) names.set(userId, username);
  }
  const recorded = missing.map(({ userId, displayName }) => {
    const username = names.get(userId);
    if (username === undefined) throw new Error(`no user name was claimed for the person ${userId}`);
    return { userId, displayName, username };
  });
  await importPeople(engine, recorded, by);
  await database.query(
    // Locked in order: whatever follows the log completes the same rows at the same time.
    `with mine as (
       select tenant, user_id from accounts.accounts
        where tenant = $1 and user_id = any($2::uuid[]) and registered_at is null order by 1, 2 for update)
     update accounts.accounts a set registered_at = $3 from mine m where a.tenant = m.tenant and a.user_id = m.user_id`,
    [by.tenant, missing.map(({ userId }) => userId), by.now],
  );
}

/** Claims that came to no event are let go. */
async function withoutAccount(database: Database, tenant: string, people: readonly AccountToImport[]) {
  const { rows } = await database.query<{ user_id: string }>(
    `with given_up as (
       delete from accounts.accounts where tenant = $1 and user_id = any($2::uuid[]) and registered_at is null)
     select user_id from accounts.accounts
      where tenant = $1 and user_id = any($2::uuid[]) and registered_at is not null`,
    [tenant, people.map(({ userId }) => userId)],
  );
  const there = new Set(rows.map(({ user_id }) => user_id));
  return people.filter(({ userId }) => !there.has(userId));
}

/** Of several who want one name the first gets it. The command of each is known by the person's own id. */
async function claimNames(
  database: Database,
  wanted: readonly { readonly userId: string; readonly hash: Uint8Array }[],
  { tenant, now }: By,
): Promise<ReadonlySet<string>> {
  const { rows } = await database.query<{ user_id: string }>(
    `insert into accounts.accounts (tenant, user_id, username_hash, command_id, claimed_at)
     select $1, n.user_id, n.hash, n.user_id, $4
     from unnest($2::uuid[], $3::bytea[]) with ordinality as n (user_id, hash, at) order by n.at
     on conflict do nothing returning user_id`,
    [tenant, wanted.map(({ userId }) => userId), wanted.map(({ hash }) => hash), now],
  );
  return new Set(rows.map(({ user_id }) => user_id));
}
