import { type TenantEvent, tenantEvents } from "../../domain/tenant/events.ts";
import { evolve, newTenant, Tenant } from "../../domain/tenant/tenant.ts";
import { aggregate } from "../command.ts";

const types: ReadonlySet<string> = new Set(tenantEvents.map(({ type }) => type));

export const tenant = aggregate<Tenant, TenantEvent>({
  kind: "tenant",
  initial: newTenant,
  evolve,
  owns: (facts): facts is Extract<typeof facts, { type: TenantEvent["type"] }> => types.has(facts.type),
  state: Tenant,
  stateVersion: 4,
});
