import { z } from "zod";
import { Time, UserId } from "../conversation/events.ts";
import { eventType, sealedEventType } from "../event.ts";
import { Uuid } from "../ids.ts";
import { RetentionRule } from "../tenant/events.ts";

/** What an officer writes names people: it is sealed under a subject of its own, that of the case. */
const ofTheCase = { subject: (_: unknown, caseId: string) => caseId, bucket: "lasting" } as const;

/**
 * `partial`: what a hold covers is kept for `compliance` alone, the rest goes. `redactNames`: conversations whose names go
 * with the person. Its meta names nobody.
 */
export const ErasureRequested = sealedEventType(
  "ErasureRequested",
  2,
  z.object({
    erasureId: Uuid,
    userId: UserId,
    partial: z.literal(true).optional(),
    redactNames: z.array(Uuid).optional(),
  }),
  z.object({ reason: z.string(), requestedBy: z.string() }),
  ofTheCase,
);
/** Conversations whose names held the person's, looked for while both could be read. */
export const ErasurePrepared = eventType("ErasurePrepared", 1, z.object({ namesToReview: z.array(Uuid) }));
/** Holds stand in the way: nothing was destroyed yet. */
export const ErasureHeld = eventType("ErasureHeld", 1, z.object({ holdIds: z.array(Uuid) }));
/**
 * The person's secret is destroyed; no process opens anything of it from `effectiveAt` on. `weekKeys`: ids of those that
 * may wrap it in an old copy of the tables.
 */
export const ErasureTookEffect = eventType(
  "ErasureTookEffect",
  1,
  z.object({ effectiveAt: Time, weekKeys: z.array(z.string()) }),
);
export const ErasureSinkSwept = eventType("ErasureSinkSwept", 1, z.object({ sink: z.string(), items: z.int().min(0) }));
/** It was tried several times, and is tried again. */
export const ErasureFailed = eventType("ErasureFailed", 1, z.object({ sink: z.string() }));
export const ErasureCompleted = eventType("ErasureCompleted", 1, z.object({}));
/** The last week key that could open an old copy of the secret is destroyed. */
export const ErasureBecameFinal = eventType("ErasureBecameFinal", 1, z.object({ finalAt: Time }));
/** `certificate`: a signed note. One is made at completion, another when the erasure is final. */
export const ErasureCertified = eventType(
  "ErasureCertified",
  1,
  z.object({ of: z.enum(["completion", "finality"]), certificate: z.string() }),
);

/** Preserves what lies in its scope: a conversation, a person, or both, from one time to another. */
export const HoldScope = z.object({
  conversationId: Uuid.optional(),
  userId: UserId.optional(),
  from: Time.optional(),
  to: Time.optional(),
});
export const HoldPlaced = sealedEventType(
  "HoldPlaced",
  1,
  z.object({ holdId: Uuid, ...HoldScope.shape }),
  z.object({ reason: z.string(), placedBy: z.string() }),
  ofTheCase,
);
export const HoldLifted = eventType("HoldLifted", 1, z.object({}));

/** The access log had so many entries, and `head` (hex) is the hash of the last: each covers all before it. */
export const AccessLogSealed = eventType(
  "AccessLogSealed",
  1,
  z.object({ entries: z.int().min(1), head: z.hex().length(64) }),
);

/** Somebody may read a conversation until then, in an emergency. `messageId`: by which its members were told before. */
export const BreakGlassOpened = sealedEventType(
  "BreakGlassOpened",
  1,
  z.object({ grantId: Uuid, conversationId: Uuid, userId: UserId, until: Time, messageId: Uuid }),
  z.object({ reason: z.string() }),
  ofTheCase,
);
/** Before its time. */
export const BreakGlassEnded = eventType("BreakGlassEnded", 1, z.object({ endedBy: UserId }));

/** What is to be given out, to whom it was granted: a person's affairs, conversations, or what a hold preserves. */
export const ExportScope = z.object({
  kind: z.enum(["person", "conversation", "matter"]),
  userId: UserId.optional(),
  conversationIds: z.array(Uuid).optional(),
  holdId: Uuid.optional(),
  from: Time.optional(),
  to: Time.optional(),
  format: z.enum(["json", "csv", "eml", "html"]),
});
export const ExportRequested = eventType("ExportRequested", 1, z.object({ exportId: Uuid, ...ExportScope.shape }));
/** An archive of it was made whole and given out. `manifest`: SHA-256 in hex; `position`: what it holds the log up to. */
export const ExportGivenOut = eventType(
  "ExportGivenOut",
  1,
  z.object({
    manifest: z.string(),
    position: z.int(),
    streams: z.int().min(0),
    events: z.int().min(0),
    files: z.int().min(0),
  }),
);
/** What waits for a second officer. `caseId`: of the erasure or export to be, of the hold, of the change of retention. */
export const ToApprove = z.discriminatedUnion("action", [
  z.object({
    action: z.literal("erase"),
    caseId: Uuid,
    userId: UserId,
    partial: z.literal(true).optional(),
    redactNames: z.array(Uuid).optional(),
  }),
  z.object({ action: z.literal("lift-hold"), caseId: Uuid }),
  z.object({ action: z.literal("export"), caseId: Uuid, scope: ExportScope }),
  z.object({ action: z.literal("shorten-retention"), caseId: Uuid, rules: z.array(RetentionRule) }),
]);
/** `commandId`: of the request, which is carried out as it was asked. */
export const ApprovalAsked = sealedEventType(
  "ApprovalAsked",
  2,
  z.object({ what: ToApprove, askedBy: UserId, commandId: Uuid, expiresAt: Time }),
  z.object({ reason: z.string().nullable() }),
  ofTheCase,
);
export const ApprovalGiven = eventType("ApprovalGiven", 1, z.object({ approvedBy: UserId }));

export const complianceEvents = [
  ErasureRequested,
  ErasurePrepared,
  ErasureHeld,
  ErasureTookEffect,
  ErasureSinkSwept,
  ErasureFailed,
  ErasureCompleted,
  ErasureBecameFinal,
  ErasureCertified,
  HoldPlaced,
  HoldLifted,
  AccessLogSealed,
  BreakGlassOpened,
  BreakGlassEnded,
  ExportRequested,
  ExportGivenOut,
  ApprovalAsked,
  ApprovalGiven,
] as const;
export type ComplianceEvent = ReturnType<(typeof complianceEvents)[number]>;
export type ToApprove = z.infer<typeof ToApprove>;
export type HoldScope = z.infer<typeof HoldScope>;
export type ExportScope = z.infer<typeof ExportScope>;
