import { z } from "zod";
import { UserId } from "../conversation/events.ts";
import { eventType } from "../event.ts";

export const ServerRole = z.enum(["admin", "compliance", "auditor", "moderator", "break-glass"]);

/** The tenant's first event. `tagKeyHash`: SHA-256 (hex) of the key that auditors of this tenant hold. */
export const TenantFounded = eventType("TenantFounded", 1, z.object({ name: z.string(), tagKeyHash: z.string() }));
/** The whole of a person's server roles, and whether the account counts as guest everywhere. */
export const RolesChanged = eventType(
  "RolesChanged",
  1,
  z.object({ userId: UserId, roles: z.array(ServerRole), guest: z.boolean() }),
);

export const tenantEvents = [TenantFounded, RolesChanged] as const;
export type TenantEvent = ReturnType<(typeof tenantEvents)[number]>;
export type ServerRole = z.infer<typeof ServerRole>;
