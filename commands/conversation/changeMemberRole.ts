import { z } from "zod";
import { MemberRoleChanged, Role, UserId } from "../../domain/conversation/events.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { command, unchanged } from "../command.ts";
import { governs, mayGrant, membership, noSuchConversation, noSuchMember } from "./access.ts";
import { conversation } from "./aggregate.ts";
import { isGone, isLastOwner, ownersOf } from "./owners.ts";

export const ChangeMemberRole = command({
  name: "ChangeMemberRole",
  route: "PATCH /api/v1/conversations/:conversationId/members/:userId",
  summary: "Gives a member another role.",
  status: 200,
  on: conversation,
  payload: z.strictObject({ conversationId: Uuid, userId: UserId, role: Role }),
  result: z.object({ userId: UserId }),
  id: ({ conversationId }) => conversationId,
  needs: ({ userId }, _by, state) => ({ accounts: [userId, ...ownersOf(state)] }),

  decide(state, { userId, role }, by) {
    const own = membership(state, by);
    if (!own) return noSuchConversation();
    if (state.kind === "direct") return reject("conflict", "the members of a direct conversation never change");
    if (!governs(own.role)) return reject("forbidden", "only owners and admins change roles");
    const member = state.members.get(userId);
    if (!member) return noSuchMember();
    if (!mayGrant(own.role, role) || !mayGrant(own.role, member.role))
      return reject("forbidden", "only an owner makes or unmakes owners");
    if (member.role === role) return unchanged(member.roleAt);
    if (role === "owner" && isGone(by.met.account(userId)))
      return reject("conflict", "whose account is shut cannot own a conversation");
    if (isLastOwner(state, userId, by.met.account)) return reject("conflict", "the last owner needs a successor first");
    return [MemberRoleChanged({ userId, role })];
  },

  answer: (_, { userId }) => ({ userId }),
});
