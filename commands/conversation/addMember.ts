import { z } from "zod";
import { MemberAdded, Role, UserId } from "../../domain/conversation/events.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { command, unchanged } from "../command.ts";
import { governs, mayGrant, membership, noSuchConversation } from "./access.ts";
import { conversation } from "./aggregate.ts";

export const AddMember = command({
  name: "AddMember",
  route: "POST /api/v1/conversations/:conversationId/members",
  summary: "Adds somebody to a group.",
  status: 201,
  on: conversation,
  payload: z.strictObject({ conversationId: Uuid, userId: UserId, role: Role.optional() }),
  result: z.object({ userId: UserId }),
  id: ({ conversationId }) => conversationId,
  needs: ({ userId }) => ({ accounts: [userId] }),

  decide(state, { userId, role: wanted }, by) {
    const own = membership(state, by);
    if (!own) return noSuchConversation();
    if (state.kind === "direct") return reject("conflict", "the members of a direct conversation never change");
    if (!governs(own.role)) return reject("forbidden", "only owners and admins add members");
    const account = by.met.account(userId);
    if (!account || account.deactivated || account.erased) return reject("not-found", "no such user");
    const role = account.guest ? "guest" : (wanted ?? "member");
    if (!mayGrant(own.role, role)) return reject("forbidden", "only an owner makes owners");
    const there = state.members.get(userId);
    if (there && (wanted === undefined || there.role === role)) return unchanged(there.roleAt);
    if (there) return reject("conflict", "already a member, with another role");
    if (state.members.size >= by.met.groupMembers) return reject("conflict", "the group has as many members as it may");
    return [MemberAdded({ userId, role, afterSeq: state.lastSeq })];
  },

  answer: (_, { userId }) => ({ userId }),
});
