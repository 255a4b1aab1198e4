import type { Account } from "../commands/index.ts";
import type { ServerRole } from "../domain/tenant/events.ts";
import type { Queryable } from "../infra/ports/database.ts";

/** How long the name of an erased person stays taken. */
const NAME_KEPT_DAYS = 30;
/** A registration that has not come to its event by then was given up: its name may be claimed by the next. */
const CLAIM_SECONDS = 30;

interface Claim {
  readonly tenant: string;
  /** For a new account; one that was given up keeps the id it had. */
  readonly userId: string;
  readonly usernameHash: Uint8Array;
  readonly passwordHash: string | null;
  readonly commandId: string;
  readonly now: Date;
}

/** Lets go of a name whose person was erased long enough ago. */
export async function releaseName(
  database: Queryable,
  tenant: string,
  usernameHash: Uint8Array,
  now: Date,
): Promise<void> {
  await database.query(
    `update accounts.accounts set username_hash = null
      where tenant = $1 and username_hash = $2 and erased_at < $3::timestamptz - make_interval(days => $4)`,
    [tenant, usernameHash, now, NAME_KEPT_DAYS],
  );
}

/** Lets go of all names whose people were erased long enough ago: what they are found by is forgotten. */
export async function forgetNames(database: Queryable, now: Date): Promise<void> {
  await database.query(
    `update accounts.accounts set username_hash = null
      where username_hash is not null and erased_at < $1::timestamptz - make_interval(days => $2)`,
    [now, NAME_KEPT_DAYS],
  );
}

/**
 * Takes a name for an account that is about to be registered, or takes over one whose registration was given up. Gives
 * the account's id; undefined where the name is taken, or the id belongs to an account that let go of its name.
 */
export async function claimName(database: Queryable, claim: Claim): Promise<string | undefined> {
  const { tenant, userId, usernameHash, passwordHash, commandId, now } = claim;
  const { rows } = await database.query<{ user_id: string }>(
    `insert into accounts.accounts as a (tenant, user_id, username_hash, password_hash, command_id, claimed_at)
     select $1::text, $2::uuid, $3::bytea, $4::text, $5::uuid, $6::timestamptz
      where not exists (select from accounts.accounts where tenant = $1 and user_id = $2 and username_hash is null)
     on conflict (tenant, username_hash) do update
       set password_hash = excluded.password_hash, command_id = excluded.command_id, claimed_at = excluded.claimed_at
       where a.registered_at is null and a.erased_at is null
         and (a.command_id = excluded.command_id or a.claimed_at < $6::timestamptz - make_interval(secs => $7))
     returning user_id`,
    [tenant, userId, usernameHash, passwordHash, commandId, now, CLAIM_SECONDS],
  );
  return rows[0]?.user_id;
}

/** The log has the account. Of several who claimed it, the one whose event was recorded sets the password. */
export async function confirmRegistered(
  database: Queryable,
  account: { tenant: string; userId: string; passwordHash: string | null; commandId: string; now: Date },
): Promise<void> {
  await database.query(
    `update accounts.accounts set registered_at = $5, password_hash = $3, command_id = $4
      where tenant = $1 and user_id = $2 and registered_at is null`,
    [account.tenant, account.userId, account.passwordHash, account.commandId, account.now],
  );
}

/** As `confirmRegistered`, when the log tells of them: whoever registered was stopped before saying so. */
export async function registeredByLog(
  database: Queryable,
  accounts: readonly { tenant: string; userId: string; commandId: string; at: Date }[],
): Promise<void> {
  await database.query(
    // Locked in order: an import completes the same rows at the same time.
    `with mine as (
       select a.tenant, a.user_id, n.at
         from unnest($1::text[], $2::uuid[], $3::uuid[], $4::timestamptz[]) as n (tenant, user_id, command_id, at)
         join accounts.accounts a using (tenant, user_id, command_id)
        where a.registered_at is null order by 1, 2 for update of a)
     update accounts.accounts a set registered_at = m.at from mine m
      where a.tenant = m.tenant and a.user_id = m.user_id`,
    [
      accounts.map(({ tenant }) => tenant),
      accounts.map(({ userId }) => userId),
      accounts.map(({ commandId }) => commandId),
      accounts.map(({ at }) => at),
    ],
  );
}

export interface NamedAccount {
  readonly userId: string;
  readonly passwordHash: string | null;
  readonly commandId: string;
  readonly registered: boolean;
  readonly open: boolean;
}

export async function accountNamed(
  database: Queryable,
  tenant: string,
  usernameHash: Uint8Array,
): Promise<NamedAccount | undefined> {
  const { rows } = await database.query<{
    user_id: string;
    password_hash: string | null;
    command_id: string;
    registered: boolean;
    open: boolean;
  }>(
    `select user_id, password_hash, command_id, registered_at is not null as registered,
            registered_at is not null and not deactivated and erased_at is null as open
       from accounts.accounts where tenant = $1 and username_hash = $2`,
    [tenant, usernameHash],
    "accounts.named",
  );
  const [row] = rows;
  if (!row) return undefined;
  const { user_id: userId, password_hash: passwordHash, command_id: commandId, registered, open } = row;
  return { userId, passwordHash, commandId, registered, open };
}

/** The accounts there are among these people: what commands must know of them. */
export async function accountsOf(
  database: Queryable,
  tenant: string,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, Account>> {
  const { rows } = await database.query<Account & { user_id: string }>(
    `select user_id, guest, deactivated, erased_at is not null as erased
       from accounts.accounts where tenant = $1 and user_id = any($2::uuid[]) and registered_at is not null`,
    [tenant, userIds],
    "accounts.of",
  );
  return new Map(rows.map(({ user_id, guest, deactivated, erased }) => [user_id, { guest, deactivated, erased }]));
}

export async function setRoles(
  database: Queryable,
  of: { tenant: string; userId: string; roles: readonly ServerRole[]; guest: boolean; position: number },
): Promise<void> {
  await database.query(
    `update accounts.accounts set roles = $3, guest = $4, roles_position = $5
      where tenant = $1 and user_id = $2 and roles_position < $5`,
    [of.tenant, of.userId, of.roles, of.guest, of.position],
  );
}

export async function setDeactivated(
  database: Queryable,
  of: { tenant: string; userId: string; deactivated: boolean; position: number },
): Promise<void> {
  await database.query(
    `update accounts.accounts set deactivated = $3, deactivated_position = $4
      where tenant = $1 and user_id = $2 and deactivated_position < $4`,
    [of.tenant, of.userId, of.deactivated, of.position],
  );
}

/** Whether somebody else than this person could act as administrator. */
export async function hasOtherAdmin(database: Queryable, tenant: string, userId: string): Promise<boolean> {
  const { rowCount } = await database.query(
    `select from accounts.accounts
      where tenant = $1 and user_id <> $2 and 'admin' = any(roles) and not deactivated and erased_at is null limit 1`,
    [tenant, userId],
  );
  return rowCount > 0;
}

/** Whether this person can act as administrator. */
export async function isOpenAdmin(database: Queryable, tenant: string, userId: string): Promise<boolean> {
  const { rowCount } = await database.query(
    `select from accounts.accounts
      where tenant = $1 and user_id = $2 and 'admin' = any(roles) and not deactivated and erased_at is null`,
    [tenant, userId],
  );
  return rowCount > 0;
}

export async function isAdmin(database: Queryable, tenant: string, userId: string): Promise<boolean> {
  const { rowCount } = await database.query(
    "select from accounts.accounts where tenant = $1 and user_id = $2 and 'admin' = any(roles)",
    [tenant, userId],
  );
  return rowCount > 0;
}

export async function hasAdmin(database: Queryable, tenant: string): Promise<boolean> {
  const { rowCount } = await database.query(
    "select from accounts.accounts where tenant = $1 and 'admin' = any(roles) limit 1",
    [tenant],
  );
  return rowCount > 0;
}

/** Takes what an erased person signed in with; the name stays taken for 30 days. Devices are revoked besides. */
export async function eraseCredentials(database: Queryable, tenant: string, userId: string, now: Date): Promise<void> {
  await database.query(
    `update accounts.accounts set password_hash = null, erased_at = coalesce(erased_at, $3)
      where tenant = $1 and user_id = $2`,
    [tenant, userId, now],
  );
}
