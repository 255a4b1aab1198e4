import { z } from "zod";
import type { Placed } from "../event.ts";
import { Policies, RetentionRule, ServerRole, type TenantEvent } from "./events.ts";

/** What a person may on the server. `at`: the revision of the event that made it so. Replaced, never changed in place. */
const Standing = z.object({ roles: z.array(ServerRole).readonly(), guest: z.boolean(), at: z.int() }).readonly();

export const Tenant = z.object({
  foundedAt: z.int(),
  /** Those whose roles were ever set. */
  people: z.map(z.string(), Standing),
  retention: z.array(RetentionRule).readonly(),
  retentionAt: z.int(),
  policies: Policies.readonly(),
  policiesAt: z.int(),
});

/** What holds where nothing was ever said. */
export const defaultPolicies: Policies = { fourEyes: [], purpose: "optional" };
export type Tenant = z.infer<typeof Tenant>;

export const newTenant = (): Tenant => ({
  foundedAt: -1,
  people: new Map(),
  retention: [],
  retentionAt: -1,
  policies: defaultPolicies,
  policiesAt: -1,
});

export const isAdmin = (tenant: Tenant, userId: string): boolean =>
  tenant.people.get(userId)?.roles.includes("admin") ?? false;

export function adminsBut(tenant: Tenant, userId: string): number {
  let admins = 0;
  for (const [other, { roles }] of tenant.people) if (other !== userId && roles.includes("admin")) admins++;
  return admins;
}

/** Changes the tenant in place: its mailbox owns it alone. */
export function evolve(tenant: Tenant, event: Placed<TenantEvent>): void {
  switch (event.type) {
    case "TenantFounded":
      tenant.foundedAt = event.revision;
      tenant.retentionAt = event.revision;
      tenant.policiesAt = event.revision;
      break;
    case "RolesChanged": {
      const { userId, roles, guest } = event.data;
      tenant.people.set(userId, { roles, guest, at: event.revision });
      break;
    }
    case "RetentionChanged":
      tenant.retention = event.data.rules;
      tenant.retentionAt = event.revision;
      break;
    case "PoliciesChanged":
      tenant.policies = event.data;
      tenant.policiesAt = event.revision;
      break;
    default:
      event satisfies never;
  }
}
