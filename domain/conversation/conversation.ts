import type { Placed } from "../event.ts";
import type { ConversationEvent, HistoryVisibility, Notify, Role } from "./events.ts";
import type { Membership } from "./visibility.ts";

/** Each `…At` is the revision of the event that made it so. */
export interface Member {
  role: Role;
  roleAt: number;
  notify: Notify;
  mutedUntil: string | null;
  preferencesAt: number;
  /** In order; the last one lasts. */
  memberships: Membership[];
}

/** What deciding needs, and no more: a conversation of a million messages is as small as a new one. */
export interface Conversation {
  kind: "none" | "direct" | "group";
  createdAt: number;
  lastSeq: number;
  historyVisibility: HistoryVisibility;
  historyVisibilityAt: number;
  nameAt: number;
  descriptionAt: number;
  avatar: string | null;
  avatarAt: number;
  /** In the order of joining: the longest-standing first. */
  readonly members: Map<string, Member>;
  /** The memberships of those who left. */
  readonly former: Map<string, Membership[]>;
}

export const newConversation = (): Conversation => ({
  kind: "none",
  createdAt: -1,
  lastSeq: 0,
  historyVisibility: "joined",
  historyVisibilityAt: -1,
  nameAt: -1,
  descriptionAt: -1,
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
      const memberships = conversation.former.get(userId) ?? [];
      conversation.former.delete(userId);
      memberships.push({ afterSeq, lastSeq: null });
      const preferences = { notify: "all", mutedUntil: null, preferencesAt: revision } as const;
      conversation.members.set(userId, { role, roleAt: revision, ...preferences, memberships });
      break;
    }
    case "MemberRoleChanged": {
      const member = conversation.members.get(event.data.userId);
      if (!member) break;
      member.role = event.data.role;
      member.roleAt = revision;
      break;
    }
    case "MemberRemoved": {
      const { userId, lastSeq } = event.data;
      const memberships = conversation.members.get(userId)?.memberships;
      const present = memberships?.at(-1);
      if (!memberships || !present) break;
      memberships[memberships.length - 1] = { ...present, lastSeq };
      conversation.members.delete(userId);
      conversation.former.set(userId, memberships);
      break;
    }
    case "MemberPreferencesChanged": {
      const member = conversation.members.get(event.data.userId);
      if (!member) break;
      member.notify = event.data.notify;
      member.mutedUntil = event.data.mutedUntil;
      member.preferencesAt = revision;
      break;
    }
    case "MessageSent":
      conversation.lastSeq = event.data.seq;
      break;
    case "MessageEdited":
    case "MessageDeleted":
    case "ReactionAdded":
    case "ReactionRemoved":
      break;
    default:
      event satisfies never;
  }
}
