import { bootstrapAdmin, foundTenant } from "../accounts/foundTenant.ts";
import { Registration } from "../accounts/registerAccount.ts";
import { TenantName } from "../domain/ids.ts";
import { isRejection } from "../domain/rejection.ts";
import type { Foundation } from "../infra/foundation.ts";
import { CommandFailed } from "./commandFailed.ts";
import { exitCodes } from "./exitCodes.ts";
import { onFolder } from "./onFolder.ts";
import { print, table } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

interface JsonFlag extends SettingFlags {
  readonly json?: boolean;
}

/** Founds an organisation with its first administrator; what is there already stays as it is. */
export async function addTenantCommand(name: string, flags: JsonFlag & { readonly admin: string }): Promise<number> {
  const admin = adminOf(flags.admin);
  if (!TenantName.safeParse(name).success)
    throw new CommandFailed(`${JSON.stringify(name)} cannot name a tenant: 1 to 32 of a-z, 0-9 and -`);
  const work = async ({ accounts }: Foundation) => {
    const refused = await foundTenant(accounts.parts, name);
    if (refused) throw new CommandFailed(refused.detail);
    const made = await bootstrapAdmin(accounts.parts, name, admin);
    if (isRejection(made)) throw new CommandFailed(`the administrator cannot be made: ${made.detail}`);
    const admins =
      made === "there is one"
        ? `${name} has an administrator already; ${admin.username} was not made`
        : `${name} is founded; ${admin.username} is its administrator`;
    print({ tenant: name, admin: made === "there is one" ? null : made.userId }, flags.json, [admins]);
    return exitCodes.done;
  };
  return onFolder(flags, work, { founds: true });
}

function adminOf(text: string): { username: string; password: string } {
  const colon = text.indexOf(":");
  const admin = { username: text.slice(0, Math.max(0, colon)), password: text.slice(colon + 1) };
  if (!Registration.safeParse({ ...admin, displayName: admin.username }).success)
    throw new CommandFailed(
      "--admin must be <username>:<password>: the name of 2 to 32 of a-z 0-9 . _ -, the password of 10 to 128 characters",
    );
  return admin;
}

export async function listTenantsCommand(flags: JsonFlag): Promise<number> {
  return onFolder(flags, async ({ database }) => {
    const { rows } = await database.query<{ tenant: string; foundedAt: Date; accounts: number }>(
      `select t.tenant, t.founded_at as "foundedAt", count(a.user_id) as accounts from accounts.tenants t
       left join accounts.accounts a on a.tenant = t.tenant and a.registered_at is not null
       group by t.tenant, t.founded_at order by t.founded_at`,
    );
    const cells = rows.map(({ tenant, foundedAt, accounts }) => [tenant, foundedAt.toISOString(), String(accounts)]);
    print(rows, flags.json, table([["tenant", "founded", "accounts"], ...cells]));
    return exitCodes.done;
  });
}
