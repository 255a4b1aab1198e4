import { z } from "zod";
import type { Placed } from "../event.ts";
import { type ConversationEvent, HistoryVisibility, Notify, Role } from "./events.ts";

/** In order; of a member the last one lasts. */
const Memberships = z.array(z.object({ afterSeq: z.int(), lastSeq: z.int().nullable() })).readonly();

/** Each `…At` is the revision of the event that made it so. Replaced, never changed in place. */
const Member = z
  .object({
    role: Role,
    roleAt: z.int(),
    notify: Notify,
    mutedUntil: z.string().nullable(),
    preferencesAt: z.int(),
    memberships: Memberships,
  })
  .readonly();
export type Member = z.infer<typeof Member>;

/** What deciding needs, and no more: a conversation of a million messages is as small as a new one. */
export const Conversation = z.object({
  kind: z.enum(["none", "direct", "group"]),
  createdAt: z.int(),
  lastSeq: z.int(),
  historyVisibility: HistoryVisibility,
  historyVisibilityAt: z.int(),
  nameAt: z.int(),
  descriptionAt: z.int(),
  /** In order: the subject that names are sealed under since, and the event that says so. */
  redactions: z.array(z.object({ under: z.string(), at: z.int() }).readonly()),
  avatar: z.string().nullable(),
  avatarAt: z.int(),
  /** In the order of joining: the longest-standing first. */
  members: z.map(z.string(), Member),
  /** The memberships of those who left. */
  former: z.map(z.string(), Memberships),
});
export type Conversation = z.infer<typeof Conversation>;

export const newConversation = (): Conversation => ({
  kind: "none",
  createdAt: -1,
  lastSeq: 0,
  historyVisibility: "joined",
  historyVisibilityAt: -1,
  nameAt: -1,
  descriptionAt: -1,
  redactions: [],
  avatar: null,
  avatarAt: -1,
  members: new Map(),
  former: new Map(),
});

/** Changes the conversation in place: its mailbox owns it alone. */
export function evolve(conversation: Conversation, event: Placed<ConversationEvent>): void {
  const { revision } = event;
  switch (event.type) {
    case "ConversationCreated":
      conversation.kind = event.data.kind;
      conversation.createdAt = revision;
      conversation.historyVisibility = event.data.historyVisibility;
      conversation.historyVisibilityAt = revision;
      break;
    case "ConversationRenamed":
      conversation.nameAt = revision;
      break;
    case "ConversationDescribed":
      conversation.descriptionAt = revision;
      break;
    case "ConversationNameRedacted":
      conversation.nameAt = -1;
      conversation.descriptionAt = -1;
      conversation.redactions = [...conversation.redactions, { under: event.data.under, at: revision }];
      break;
    case "ConversationPictured":
      conversation.avatar = event.data.avatar;
      conversation.avatarAt = revision;
      break;
    case "HistoryVisibilityChanged":
      conversation.historyVisibility = event.data.historyVisibility;
      conversation.historyVisibilityAt = revision;
      break;
    case "MemberAdded": {
      const { userId, role, afterSeq } = event.data;
      const memberships = [...(conversation.former.get(userId) ?? []), { afterSeq, lastSeq: null }];
      conversation.former.delete(userId);
      const preferences = { notify: "all", mutedUntil: null, preferencesAt: revision } as const;
      conversation.members.set(userId, { role, roleAt: revision, ...preferences, memberships });
      break;
    }
    case "MemberRoleChanged": {
      const { userId, role } = event.data;
      const member = conversation.members.get(userId);
      if (member) conversation.members.set(userId, { ...member, role, roleAt: revision });
      break;
    }
    case "MemberRemoved": {
      const { userId, lastSeq } = event.data;
      const memberships = conversation.members.get(userId)?.memberships;
      const present = memberships?.at(-1);
      if (!memberships || !present) break;
      conversation.members.delete(userId);
      conversation.former.set(userId, [...memberships.slice(0, -1), { ...present, lastSeq }]);
      break;
    }
    case "MemberPreferencesChanged": {
      const { userId, notify, mutedUntil } = event.data;
      const member = conversation.members.get(userId);
      if (member) conversation.members.set(userId, { ...member, notify, mutedUntil, preferencesAt: revision });
      break;
    }
    case "MessageSent":
      conversation.lastSeq = event.data.seq;
      break;
    case "MessageEdited":
    case "MessageDeleted":
    case "ReactionAdded":
    case "ReactionRemoved":
    case "AcknowledgementRequested":
    case "MessageAcknowledged":
    case "AcknowledgementFellDue":
    case "MessagesExpired":
      break;
    default:
      event satisfies never;
  }
}
