import type { Engine } from "../commands/index.ts";
import type { By } from "../domain/by.ts";
import { tenantId } from "../domain/ids.ts";

/** The operator's own hand, in the name of the tenant. */
export const byTenant = ({ clock, newId }: Pick<Engine, "clock" | "newId">, tenant: string): By => ({
  tenant,
  userId: tenantId(tenant),
  deviceId: null,
  roles: [],
  guest: false,
  now: new Date(clock.now()),
  correlationId: newId(),
});
