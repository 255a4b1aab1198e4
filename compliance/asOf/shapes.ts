import { z } from "zod";
import { HistoryVisibility, MessageKind, Role } from "../../domain/conversation/events.ts";

const Id = z.uuid();
const At = z.iso.datetime({ precision: 3 });
const Seq = z.int().min(0);

/** A message as it was. What was deleted by then is a tombstone: `deletedPosition` tells before which it was none. */
const MessageThen = z.strictObject({
  messageId: Id,
  conversationId: Id,
  seq: Seq,
  revision: z.int(),
  senderId: Id,
  kind: MessageKind,
  text: z.string().nullable(),
  replyTo: Id.nullable(),
  threadRoot: Id.nullable(),
  threadCount: z.int(),
  mentions: z.array(Id),
  attachments: z.array(
    z.strictObject({
      mediaId: Id,
      kind: z.enum(["image", "video", "audio", "file"]),
      name: z.string().nullable(),
      size: z.int(),
      mimeType: z.string(),
      width: z.int().optional(),
      height: z.int().optional(),
    }),
  ),
  reactions: z.array(z.strictObject({ emoji: z.string(), count: z.int(), userIds: z.array(Id).max(50) })),
  sentAt: At,
  editedAt: At.nullable(),
  deleted: z.boolean(),
  erased: z.boolean().describe("Whatever time is asked for: what is erased stays erased."),
  deletedPosition: z.int().nullable().describe("Of the deletion; ask for a position below it to read the message."),
  ciphertext: z.string().nullable().optional().describe("Of an end-to-end encrypted message; base64."),
  keyInfo: z.unknown().optional(),
  acknowledgement: z
    .strictObject({
      ackBy: At,
      escalateTo: z.array(Id),
      acknowledged: z.array(z.strictObject({ userId: Id, at: At, late: z.boolean() })),
    })
    .optional()
    .describe("Of a message that was sent with `ackBy`: who had acknowledged it by then."),
  overdue: z.array(Id).optional().describe("Of a system message that tells so: who had not acknowledged in time."),
});
export type MessageThen = z.infer<typeof MessageThen>;

/** One page of a conversation as it was. */
export const OpenThen = z.strictObject({
  asOf: z.strictObject({ position: z.int(), recordedAt: At }),
  conversation: z.strictObject({
    conversationId: Id,
    kind: z.enum(["direct", "group"]),
    name: z.string().nullable(),
    description: z.string().nullable(),
    avatar: Id.nullable(),
    settings: z.strictObject({ historyVisibility: HistoryVisibility }),
    memberCount: z.int(),
    lastSeq: Seq,
  }),
  members: z
    .array(
      z.strictObject({
        userId: Id,
        role: Role,
        displayName: z.string().nullable().describe("As the person is called today; null once erased."),
        joinedAt: At,
        leftAt: z.null(),
        delivered: Seq,
        read: Seq,
      }),
    )
    .describe("Who was in it, by id, at most 200; more after `membersAfter`."),
  senders: z
    .array(z.strictObject({ userId: Id, displayName: z.string().nullable() }))
    .describe("Of this page's messages, whether they were members or not; called as they are today."),
  items: z.array(MessageThen),
  more: z.strictObject({ before: z.boolean(), after: z.boolean() }),
});
export type OpenThen = z.infer<typeof OpenThen>;
