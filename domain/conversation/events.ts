import { z } from "zod";
import { eventType, sealedEventType } from "../event.ts";
import { Uuid } from "../ids.ts";

export const UserId = Uuid;
export const MessageId = Uuid;
/** A message's place in its conversation, dense from 1; 0 stands before the first. */
export const Seq = z.int().min(0);
export const Role = z.enum(["owner", "admin", "member", "guest"]);
export const HistoryVisibility = z.enum(["joined", "all"]);
export const Notify = z.enum(["all", "mentions", "none"]);
export const MessageKind = z.enum(["text", "media", "encrypted", "system"]);
/** RFC 3339, UTC, milliseconds. */
export const Time = z.iso.datetime({ precision: 3 });

const AttachmentFacts = z.object({
  mediaId: Uuid,
  kind: z.enum(["image", "video", "audio", "file"]),
  size: z.int(),
  mimeType: z.string(),
  width: z.int().optional(),
  height: z.int().optional(),
});

export const ConversationCreated = eventType(
  "ConversationCreated",
  2,
  z.object({ kind: z.enum(["direct", "group"]), historyVisibility: HistoryVisibility }),
);
/** Whose secret names and descriptions take: the conversation's own at first, another one after each redaction. */
const Under = z.object({ under: Uuid.optional() });
const lastingName = {
  subject: ({ under }: { under?: string | undefined }, conversationId: string) => under ?? conversationId,
  bucket: "lasting",
} as const;
export const ConversationRenamed = sealedEventType(
  "ConversationRenamed",
  2,
  Under,
  z.object({ name: z.string() }),
  lastingName,
);
/** `description: null` takes it away. */
export const ConversationDescribed = sealedEventType(
  "ConversationDescribed",
  2,
  Under,
  z.object({ description: z.string().nullable() }),
  lastingName,
);
/**
 * Nothing that was sealed before of its name and description is readable: the secrets of before are destroyed. What is
 * said of them from here on is sealed `under` another subject, the description that stood first of all.
 */
export const ConversationNameRedacted = eventType(
  "ConversationNameRedacted",
  1,
  z.object({ erasureId: Uuid, under: Uuid }),
);
export const ConversationPictured = eventType("ConversationPictured", 1, z.object({ avatar: Uuid.nullable() }));
export const HistoryVisibilityChanged = eventType(
  "HistoryVisibilityChanged",
  1,
  z.object({ historyVisibility: HistoryVisibility }),
);

/** `afterSeq`: the conversation's last seq then; what follows is within this membership. */
export const MemberAdded = eventType("MemberAdded", 1, z.object({ userId: UserId, role: Role, afterSeq: Seq }));
export const MemberRoleChanged = eventType("MemberRoleChanged", 1, z.object({ userId: UserId, role: Role }));
/** `lastSeq`: the last message within this membership. */
export const MemberRemoved = eventType("MemberRemoved", 1, z.object({ userId: UserId, lastSeq: Seq }));
export const MemberPreferencesChanged = eventType(
  "MemberPreferencesChanged",
  1,
  z.object({ userId: UserId, notify: Notify, mutedUntil: Time.nullable() }),
);

/** The personal part of a message; `ciphertext` and `keyInfo` only of an end-to-end encrypted one. */
export const MessageContent = z.object({
  text: z.string().nullable(),
  attachments: z.array(z.object({ mediaId: Uuid, name: z.string() })).optional(),
  ciphertext: z.string().optional(),
  keyInfo: z.unknown().optional(),
});

const ofItsAuthor = (data: { authorId: string }) => data.authorId;

/** `target` is the message's id. `sentAt`: the server's clock at arrival; on import the original's. */
export const MessageSent = sealedEventType(
  "MessageSent",
  1,
  z.object({
    target: MessageId,
    seq: Seq,
    authorId: UserId,
    kind: MessageKind,
    sentAt: Time,
    replyTo: MessageId.optional(),
    threadRoot: MessageId.optional(),
    mentions: z.array(UserId).optional(),
    attachments: z.array(AttachmentFacts).optional(),
    hasLink: z.boolean().optional(),
  }),
  MessageContent,
  { subject: ofItsAuthor, bucket: "day" },
);
/** Sealed in its original's bucket, so that both are retired together. `seq`, `authorId`: the message's. */
export const MessageEdited = sealedEventType(
  "MessageEdited",
  1,
  z.object({
    target: MessageId,
    seq: Seq,
    authorId: UserId,
    editedAt: Time,
    mentions: z.array(UserId).optional(),
    hasLink: z.boolean().optional(),
  }),
  z.object({ text: z.string() }),
  { subject: ofItsAuthor, bucket: "original" },
);
/** `threadRoot`: that of the message, whose count of replies goes down. */
export const MessageDeleted = eventType(
  "MessageDeleted",
  1,
  z.object({ target: MessageId, seq: Seq, authorId: UserId, threadRoot: MessageId.optional() }),
);
export const ReactionAdded = eventType(
  "ReactionAdded",
  1,
  z.object({ target: MessageId, seq: Seq, emoji: z.string(), userId: UserId }),
);
export const ReactionRemoved = eventType(
  "ReactionRemoved",
  1,
  z.object({ target: MessageId, seq: Seq, emoji: z.string(), userId: UserId }),
);

/** A message is to be acknowledged by a time; `escalateTo` are told who has not by then. `seq`, `authorId`: the message's. */
export const AcknowledgementRequested = eventType(
  "AcknowledgementRequested",
  1,
  z.object({ target: MessageId, seq: Seq, authorId: UserId, ackBy: Time, escalateTo: z.array(UserId) }),
);
/** `at`: the server's clock at arrival; after the time asked for it is late. */
export const MessageAcknowledged = eventType(
  "MessageAcknowledged",
  1,
  z.object({ target: MessageId, seq: Seq, userId: UserId, at: Time }),
);
/**
 * The time came, once. `missing`: who had not acknowledged; `told`: who is told of it, by the system message `notice`
 * (absent where nobody is).
 */
export const AcknowledgementFellDue = eventType(
  "AcknowledgementFellDue",
  1,
  z.object({
    target: MessageId,
    seq: Seq,
    authorId: UserId,
    missing: z.array(UserId),
    told: z.array(UserId),
    notice: MessageId.optional(),
  }),
);

/**
 * What was sealed on these days is past retention and unreadable. `stream`: this conversation's. `expiredTo`: up to there
 * nothing is left, 0 where something is.
 */
export const MessagesExpired = eventType(
  "MessagesExpired",
  1,
  z.object({ stream: z.string(), days: z.array(z.iso.date()), expiredTo: Seq }),
);

export const conversationEvents = [
  ConversationCreated,
  ConversationRenamed,
  ConversationDescribed,
  ConversationNameRedacted,
  ConversationPictured,
  HistoryVisibilityChanged,
  MemberAdded,
  MemberRoleChanged,
  MemberRemoved,
  MemberPreferencesChanged,
  MessageSent,
  MessageEdited,
  MessageDeleted,
  ReactionAdded,
  ReactionRemoved,
  AcknowledgementRequested,
  MessageAcknowledged,
  AcknowledgementFellDue,
  MessagesExpired,
] as const;

/** A message of Scripta's own: it quotes nobody, so nothing of it is sealed. `authorId`: the tenant's own id. */
export const systemMessage = (facts: Omit<Parameters<typeof MessageSent>[0], "kind">) => ({
  type: MessageSent.type,
  version: MessageSent.version,
  data: { ...facts, kind: "system" as const },
});

export type ConversationEvent = ReturnType<(typeof conversationEvents)[number] | typeof systemMessage>;
export type Role = z.infer<typeof Role>;
export type Notify = z.infer<typeof Notify>;
export type HistoryVisibility = z.infer<typeof HistoryVisibility>;
export type MessageContent = z.infer<typeof MessageContent>;
