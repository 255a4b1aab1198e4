import { z } from "zod";
import { UserId } from "../conversation/events.ts";
import { eventType } from "../event.ts";
import { Uuid } from "../ids.ts";

export const ServerRole = z.enum(["admin", "compliance", "auditor", "moderator", "break-glass"]);

/** The tenant's first event. `tagKeyHash`: SHA-256 (hex) of the key that auditors of this tenant hold. */
export const TenantFounded = eventType("TenantFounded", 1, z.object({ name: z.string(), tagKeyHash: z.string() }));
/** The whole of a person's server roles, and whether the account counts as guest everywhere. */
export const RolesChanged = eventType(
  "RolesChanged",
  1,
  z.object({ userId: UserId, roles: z.array(ServerRole), guest: z.boolean() }),
);

/** For how many days messages are kept: of one conversation, of a kind, or (neither named) of the whole tenant. */
export const RetentionRule = z.object({
  kind: z.enum(["direct", "group"]).optional(),
  conversationId: Uuid.optional(),
  days: z.int().min(1).max(36_500),
});
/** All rules; the narrowest counts, and what none is about is kept for ever. */
export const RetentionChanged = eventType("RetentionChanged", 1, z.object({ rules: z.array(RetentionRule) }));

/** What an organisation may let wait for a second officer. */
export const FourEyesAction = z.enum(["erase", "lift-hold", "export", "shorten-retention"]);
/** `fourEyes`: what waits for a second officer, each once, sorted. `purpose`: whether who reads for others must say why. */
export const Policies = z.object({ fourEyes: z.array(FourEyesAction), purpose: z.enum(["optional", "required"]) });
/** All of them. */
export const PoliciesChanged = eventType("PoliciesChanged", 2, Policies);

export const tenantEvents = [TenantFounded, RolesChanged, RetentionChanged, PoliciesChanged] as const;
export type TenantEvent = ReturnType<(typeof tenantEvents)[number]>;
export type FourEyesAction = z.infer<typeof FourEyesAction>;
export type Policies = z.infer<typeof Policies>;
export type RetentionRule = z.infer<typeof RetentionRule>;
export type ServerRole = z.infer<typeof ServerRole>;
