import { z } from "zod";
import { MemberRemoved, UserId } from "../../domain/conversation/events.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { command } from "../command.ts";
import { governs, mayGrant, membership, noSuchConversation, noSuchMember } from "./access.ts";
import { conversation } from "./aggregate.ts";
import { isLastOwner, ownersOf } from "./owners.ts";

export const RemoveMember = command({
  name: "RemoveMember",
  route: "DELETE /api/v1/conversations/:conversationId/members/:userId",
  summary: "Removes somebody from a group; oneself: leaves it.",
  status: 200,
  settles: true,
  on: conversation,
  payload: z.strictObject({ conversationId: Uuid, userId: UserId }),
  result: z.object({ userId: UserId }),
  id: ({ conversationId }) => conversationId,
  needs: ({ userId }, _by, state) => (state.members.get(userId)?.role === "owner" ? { accounts: ownersOf(state) } : {}),

  decide(state, { userId }, by) {
    const own = membership(state, by);
    if (!own) return noSuchConversation();
    if (state.kind === "direct") return reject("conflict", "the members of a direct conversation never change");
    const leaving = userId === by.userId;
    if (!leaving && !governs(own.role)) return reject("forbidden", "only owners and admins remove members");
    const member = state.members.get(userId);
    if (!member) return noSuchMember();
    if (!leaving && !mayGrant(own.role, member.role)) return reject("forbidden", "only an owner removes owners");
    if (isLastOwner(state, userId, by.met.account))
      return reject("conflict", "the last owner cannot leave without a successor");
    return [MemberRemoved({ userId, lastSeq: state.lastSeq })];
  },

  answer: (_, { userId }) => ({ userId }),
});
