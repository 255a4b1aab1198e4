import { z } from "zod";
import {
  ConversationCreated,
  ConversationRenamed,
  MemberAdded,
  Role,
  UserId,
} from "../../domain/conversation/events.ts";
import { createdId, directConversationId, Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { command, unchanged } from "../command.ts";
import { conversation } from "./aggregate.ts";
import { Name } from "./names.ts";

const Direct = z.strictObject({ kind: z.literal("direct"), userId: UserId });
const Group = z.strictObject({
  kind: z.literal("group"),
  name: Name,
  members: z.array(z.strictObject({ userId: UserId, role: Role.optional() })).max(1_024),
});

export const CreateConversation = command({
  name: "CreateConversation",
  route: "POST /api/v1/conversations",
  summary: "Opens a group, or the one direct conversation of two people.",
  status: 201,
  on: conversation,
  payload: z.discriminatedUnion("kind", [Direct, Group]),
  result: z.object({ conversationId: Uuid }),
  id: (payload, { tenant, userId, commandId }) =>
    payload.kind === "direct"
      ? directConversationId(tenant, userId, payload.userId)
      : createdId("conversation", tenant, userId, commandId),
  needs: (payload) => ({
    accounts: payload.kind === "direct" ? [payload.userId] : payload.members.map(({ userId }) => userId),
  }),

  decide(state, payload, by) {
    if (by.guest) return reject("forbidden", "a guest creates no conversations");
    const known = (userId: string) => {
      const account = by.met.account(userId);
      return account !== undefined && !account.deactivated && !account.erased;
    };
    if (payload.kind === "direct") {
      if (payload.userId === by.userId) return reject("validation-failed", "a direct conversation takes two people");
      if (state.kind !== "none") return unchanged(Math.max(...[...state.members.values()].map(({ roleAt }) => roleAt)));
      if (!known(payload.userId)) return reject("not-found", "no such user");
      return [
        ConversationCreated({ kind: "direct", historyVisibility: "joined" }),
        MemberAdded({ userId: by.userId, role: "member", afterSeq: 0 }),
        MemberAdded({ userId: payload.userId, role: "member", afterSeq: 0 }),
      ];
    }
    if (state.kind !== "none") return reject("conflict", "the key was used for another conversation");
    const others = payload.members.filter(({ userId }) => userId !== by.userId);
    if (new Set(others.map(({ userId }) => userId)).size < others.length)
      return reject("validation-failed", "somebody is named twice");
    if (others.some(({ userId }) => !known(userId))) return reject("not-found", "no such user");
    if (others.length + 1 > by.met.groupMembers) return reject("conflict", "the group would have too many members");
    return [
      ConversationCreated({ kind: "group", historyVisibility: "joined" }),
      ConversationRenamed({}, { name: payload.name }),
      MemberAdded({ userId: by.userId, role: "owner", afterSeq: 0 }),
      ...others.map(({ userId, role }) =>
        MemberAdded({ userId, role: by.met.account(userId)?.guest ? "guest" : (role ?? "member"), afterSeq: 0 }),
      ),
    ];
  },

  answer: (_, payload, { tenant, userId, commandId }) => ({
    conversationId:
      payload.kind === "direct"
        ? directConversationId(tenant, userId, payload.userId)
        : createdId("conversation", tenant, userId, commandId),
  }),
});
