import { tenantId } from "../../domain/ids.ts";
import { defaultPreferences } from "../../domain/user/events.ts";
import type { Seat } from "../../projections/inbox/queries.ts";
import type { MemberRow } from "../../projections/members/queries.ts";
import type { PersonRow } from "../../projections/people/queries.ts";
import type { MarksRow } from "../../projections/receipts/queries.ts";
import { unreadOf } from "../conversations.ts";
import type { OpenPerson } from "../openPeople.ts";
import type { Change, Conversation, Member, Message } from "../shapes.ts";

/** The one place where each kind of change gets its form, for the feed and for sync alike. */

export const messageChange = (message: Message): Change => ({
  op: "message",
  conversationId: message.conversationId,
  messageId: message.messageId,
  revision: message.revision,
  message,
});

export const memberChange = ({ conversation, userId, revision }: MemberRow, member: Member): Change => ({
  op: "member",
  conversationId: conversation,
  userId,
  revision,
  member,
});

export const receiptChange = ({ conversation, userId, delivered, read }: MarksRow): Change => ({
  op: "receipt",
  conversationId: conversation,
  userId,
  delivered,
  read,
});

export const userChange = ({ revision }: PersonRow, { userId, displayName, avatar, erased }: OpenPerson): Change => ({
  op: "user",
  userId,
  revision,
  displayName,
  avatar,
  erased,
});

/** Scripta itself, who sends system messages: under the tenant's own id. */
export const systemChange = (tenant: string): Extract<Change, { op: "user" }> => ({
  op: "user",
  userId: tenantId(tenant),
  revision: 0,
  displayName: "Scripta",
  avatar: null,
  erased: false,
});

export const conversationChange = (conversation: Conversation): Change => ({
  op: "conversation",
  conversationId: conversation.conversationId,
  revision: conversation.revision,
  conversation,
});

export const preferencesChange = ({ conversation, preferencesRevision, notify, mutedUntil }: Seat): Change => ({
  op: "preferences",
  conversationId: conversation,
  revision: preferencesRevision,
  notify,
  mutedUntil: mutedUntil?.toISOString() ?? null,
});

export const unreadChange = (seat: Seat): Change => ({
  op: "unread",
  conversationId: seat.conversation,
  unread: unreadOf(seat),
  mentions: seat.mentions,
});

export const leftChange = (conversation: string): Change => ({ op: "left", conversationId: conversation });

/** Its fields stand both beside `op`, as those of a `user` do, and in `me`, as those of a `member` do. */
export function meChange(row: PersonRow, { userId, username, displayName, avatar }: OpenPerson): Change {
  const { ownRevision: revision, roles, preferences } = row;
  const me = {
    userId,
    username,
    displayName,
    avatar,
    roles: [...roles],
    preferences: preferences ?? defaultPreferences,
    revision,
  };
  return { op: "me", ...me, me };
}
