import {
  ConversationCreated,
  ConversationRenamed,
  MemberAdded,
  MemberRemoved,
  MessageDeleted,
  MessageEdited,
  MessageSent,
  ReactionAdded,
} from "../../domain/conversation/events.ts";
import { NOW } from "./given.ts";

/** The people of the specifications: an owner, an admin, a member, a guest, and somebody who is none of these. */
export const ada = "01890a5d-0000-7000-8000-0000000000a1";
export const bo = "01890a5d-0000-7000-8000-0000000000b0";
export const cy = "01890a5d-0000-7000-8000-0000000000c1";
export const gus = "01890a5d-0000-7000-8000-0000000000d5";
export const zoe = "01890a5d-0000-7000-8000-0000000000e0";

export const conversationId = "01890a5d-ac96-774b-bcce-b302099a8057";
export const messageId = "01890a5d-2222-7000-8000-000000000001";
export const replyId = "01890a5d-2222-7000-8000-000000000002";

/** Revisions 0 to 5: a group called lunch, of Ada (owner), Bo (admin), Cy (member) and Gus (guest). */
export const lunch = [
  ConversationCreated({ kind: "group", historyVisibility: "joined" }),
  ConversationRenamed({}, { name: "lunch" }),
  MemberAdded({ userId: ada, role: "owner", afterSeq: 0 }),
  MemberAdded({ userId: bo, role: "admin", afterSeq: 0 }),
  MemberAdded({ userId: cy, role: "member", afterSeq: 0 }),
  MemberAdded({ userId: gus, role: "guest", afterSeq: 0 }),
] as const;

/** Revisions 0 to 2: what Ada and Bo say to each other. */
export const direct = [
  ConversationCreated({ kind: "direct", historyVisibility: "joined" }),
  MemberAdded({ userId: ada, role: "member", afterSeq: 0 }),
  MemberAdded({ userId: bo, role: "member", afterSeq: 0 }),
] as const;

type Said = Partial<Parameters<typeof MessageSent>[0]>;

/** A message of Cy's, the first, unless said otherwise. */
export const said = (more: Said = {}, text = "at five") =>
  MessageSent(
    { target: messageId, seq: 1, authorId: cy, kind: "text", sentAt: "2026-11-20T12:00:00.000Z", ...more },
    { text },
  );

export const edited = (text: string, more: Partial<Parameters<typeof MessageEdited>[0]> = {}) =>
  MessageEdited(
    { target: messageId, seq: 1, authorId: cy, editedAt: NOW.toISOString(), ...more },
    { text },
    "2026-11-20",
  );

export const deleted = () => MessageDeleted({ target: messageId, seq: 1, authorId: cy });
export const reacted = (userId: string, emoji = "👍") => ReactionAdded({ target: messageId, seq: 1, emoji, userId });
export const left = (userId: string, lastSeq = 0) => MemberRemoved({ userId, lastSeq });
