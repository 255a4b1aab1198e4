import type { By } from "../../domain/by.ts";
import type { Conversation, Member } from "../../domain/conversation/conversation.ts";
import type { Role } from "../../domain/conversation/events.ts";
import type { Message } from "../../domain/conversation/message.ts";
import { visible } from "../../domain/conversation/visibility.ts";
import { reject } from "../../domain/rejection.ts";

export const noSuchConversation = () => reject("not-found", "no such conversation");
export const noSuchMessage = () => reject("not-found", "no such message");
export const noSuchMember = () => reject("not-found", "no such member");

/** The sender's membership, with the role that counts: an account marked as guest is a guest everywhere. */
export function membership(
  { members }: Conversation,
  { userId, guest }: By,
): { readonly member: Member; readonly role: Role } | undefined {
  const member = members.get(userId);
  return member && { member, role: guest ? "guest" : member.role };
}

export const governs = (role: Role): boolean => role === "owner" || role === "admin";

/** Whether somebody of this role may give that role, or take it from somebody. */
export const mayGrant = (own: Role, role: Role): boolean => own === "owner" || (own === "admin" && role !== "owner");

/** Whether a member sees a message: what one does not see, one cannot answer, change or react to. */
export const sees = (state: Conversation, member: Member, message: Message): boolean =>
  visible(member.memberships, state.historyVisibility, message.seq);
