import { TenantName } from "../domain/ids.ts";
import type { Database } from "../infra/ports/database.ts";

export interface Tenants {
  exists(tenant: string): Promise<boolean>;
}

/** What once existed exists for ever, so that alone is remembered. */
export function createTenants(database: Database): Tenants {
  const known = new Set<string>();
  return {
    async exists(tenant) {
      if (known.has(tenant)) return true;
      if (!TenantName.safeParse(tenant).success) return false;
      const { rowCount } = await database.query("select from accounts.tenants where tenant = $1", [tenant]);
      if (rowCount > 0) known.add(tenant);
      return rowCount > 0;
    },
  };
}
