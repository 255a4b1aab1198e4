import { z } from "zod";
import { HistoryVisibility, MessageKind, Notify, Role } from "../domain/conversation/events.ts";
import { ServerRole } from "../domain/tenant/events.ts";
import { Preferences } from "../domain/user/events.ts";

const Id = z.uuid();
const At = z.iso.datetime({ precision: 3 });
const Seq = z.int().min(0);

export const Attachment = z.strictObject({
  mediaId: Id,
  kind: z.enum(["image", "video", "audio", "file"]),
  name: z.string().nullable(),
  size: z.int(),
  mimeType: z.string(),
  width: z.int().optional(),
  height: z.int().optional(),
});

export const Reaction = z.strictObject({
  emoji: z.string(),
  count: z.int(),
  userIds: z.array(Id).max(50),
  mine: z.boolean().optional().describe("Over HTTP only: whether I gave it too."),
});

export const Acknowledgement = z.strictObject({
  ackBy: At,
  escalateTo: z.array(Id),
  count: z.int().describe("How many acknowledged it, late ones too."),
  acknowledged: z.array(z.strictObject({ userId: Id, at: At, late: z.boolean() })).max(50),
  mine: z.boolean().optional().describe("Over HTTP only: whether I did."),
});

export const Message = z.strictObject({
  messageId: Id,
  conversationId: Id,
  seq: Seq,
  revision: z.int().describe("Of the last event that touched it."),
  senderId: Id,
  kind: MessageKind,
  text: z.string().nullable(),
  replyTo: Id.nullable(),
  threadRoot: Id.nullable(),
  threadCount: z.int(),
  mentions: z.array(Id),
  attachments: z.array(Attachment),
  reactions: z.array(Reaction),
  sentAt: At,
  editedAt: At.nullable(),
  deleted: z.boolean(),
  erased: z.boolean(),
  ciphertext: z.string().nullable().optional().describe("Of an end-to-end encrypted message; base64."),
  keyInfo: z.unknown().optional(),
  acknowledgement: Acknowledgement.optional().describe("Of a message that was sent with `ackBy`."),
  overdue: z
    .array(Id)
    .optional()
    .describe("Of a system message that tells so: who had not acknowledged, in time, the one that it replies to."),
});
export type Message = z.infer<typeof Message>;

export const Member = z.strictObject({
  userId: Id,
  role: Role,
  displayName: z.string().nullable(),
  joinedAt: At.nullable().describe("Null for a guest who asks."),
  leftAt: At.nullable(),
});
export type Member = z.infer<typeof Member>;

export const Conversation = z.strictObject({
  conversationId: Id,
  kind: z.enum(["direct", "group"]),
  name: z.string().nullable(),
  description: z.string().nullable(),
  avatar: Id.nullable(),
  peer: z.strictObject({ userId: Id, displayName: z.string().nullable() }).nullable(),
  settings: z.strictObject({ historyVisibility: HistoryVisibility }),
  role: Role,
  memberCount: z.int(),
  firstSeq: Seq,
  lastSeq: Seq,
  lastMessage: Message.nullable(),
  read: Seq,
  delivered: Seq,
  unread: z.int(),
  mentions: z.int(),
  notify: Notify,
  mutedUntil: At.nullable(),
  expiredTo: Seq.nullable().describe("Messages up to this seq are past retention."),
  revision: z.int(),
  position: z.int(),
});
export type Conversation = z.infer<typeof Conversation>;

export const ConversationPreferences = z.strictObject({ notify: Notify, mutedUntil: At.nullable() });

export const Me = z.strictObject({
  userId: Id,
  username: z.string().nullable(),
  displayName: z.string().nullable(),
  avatar: Id.nullable(),
  roles: z.array(ServerRole),
  preferences: Preferences,
  revision: z.int(),
});

const ofConversation = { conversationId: Id };
export const Change = z.discriminatedUnion("op", [
  z.strictObject({ op: z.literal("me"), ...Me.shape, me: Me }),
  z.strictObject({
    op: z.literal("preferences"),
    ...ofConversation,
    revision: z.int(),
    notify: Notify,
    mutedUntil: At.nullable(),
  }),
  z.strictObject({ op: z.literal("conversation"), ...ofConversation, revision: z.int(), conversation: Conversation }),
  z.strictObject({ op: z.literal("left"), ...ofConversation }),
  z.strictObject({ op: z.literal("member"), ...ofConversation, userId: Id, revision: z.int(), member: Member }),
  z.strictObject({ op: z.literal("message"), ...ofConversation, messageId: Id, revision: z.int(), message: Message }),
  z.strictObject({ op: z.literal("receipt"), ...ofConversation, userId: Id, delivered: Seq, read: Seq }),
  z.strictObject({ op: z.literal("unread"), ...ofConversation, unread: z.int(), mentions: z.int() }),
  z.strictObject({
    op: z.literal("user"),
    userId: Id,
    revision: z.int(),
    displayName: z.string().nullable(),
    avatar: Id.nullable(),
    erased: z.boolean(),
  }),
]);
export type Change = z.infer<typeof Change>;
