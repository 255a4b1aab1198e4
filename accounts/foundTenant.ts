import { hash } from "node:crypto";
import { AppointFirstAdmin, FoundTenant } from "../commands/index.ts";
import { TenantName, uuidV5 } from "../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../domain/rejection.ts";
import { hasAdmin, setRoles } from "./accountRows.ts";
import { byTenant } from "./byTenant.ts";
import type { AccountParts } from "./parts.ts";
import { registerAccount } from "./registerAccount.ts";
import { sendCommand } from "./sendCommand.ts";

/** Founds an organisation; one that is there stays as it is. */
export async function foundTenant(parts: AccountParts, tenant: string): Promise<Rejection | undefined> {
  if (!TenantName.safeParse(tenant).success) return reject("validation-failed", "a tenant's name is ^[a-z0-9-]{1,32}$");
  const { engine, database } = parts;
  const tagKeyHash = hash("sha256", await engine.sealing.tenantKey(tenant, "tag"), "hex");
  const by = byTenant(engine, tenant);
  const outcome = await sendCommand(FoundTenant, { tagKeyHash }, by, engine);
  if (isRejection(outcome)) return outcome;
  await database.query(
    "insert into accounts.tenants (tenant, founded_at) values ($1, $2) on conflict (tenant) do nothing",
    [tenant, by.now],
  );
  return undefined;
}

/**
 * Makes the tenant's first administrator; does nothing where there is one. Stopped half-way, it is completed by doing
 * it again.
 */
export async function bootstrapAdmin(
  parts: AccountParts,
  tenant: string,
  admin: { username: string; password: string },
): Promise<{ userId: string } | "there is one" | Rejection> {
  const { engine, database } = parts;
  if (await hasAdmin(database, tenant)) return "there is one";
  const by = { ...byTenant(engine, tenant), key: uuidV5(JSON.stringify(["first-admin", tenant, admin.username])) };
  const account = await registerAccount(parts, { tenant, ...admin, displayName: admin.username }, by);
  if (isRejection(account)) return account;
  const { userId } = account;
  const appointed = await sendCommand(AppointFirstAdmin, { userId }, byTenant(engine, tenant), engine);
  if (isRejection(appointed)) return appointed;
  const { position } = appointed;
  await setRoles(database, { tenant, userId, roles: ["admin", "compliance"], guest: false, position });
  parts.sessions.changed({ tenant, userId });
  return { userId };
}
