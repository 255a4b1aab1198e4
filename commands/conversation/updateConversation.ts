import { z } from "zod";
import type { ConversationEvent } from "../../domain/conversation/events.ts";
import {
  ConversationDescribed,
  ConversationPictured,
  ConversationRenamed,
  HistoryVisibility,
  HistoryVisibilityChanged,
} from "../../domain/conversation/events.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { command, unchanged } from "../command.ts";
import { governs, membership, noSuchConversation } from "./access.ts";
import { conversation } from "./aggregate.ts";
import { fieldOf, underOf } from "./lastingContent.ts";
import { Description, Name } from "./names.ts";

export const UpdateConversation = command({
  name: "UpdateConversation",
  route: "PATCH /api/v1/conversations/:conversationId",
  summary: "Changes a group's name, description, picture or settings.",
  status: 200,
  on: conversation,
  payload: z.strictObject({
    conversationId: Uuid,
    name: Name.optional(),
    description: Description.nullable().optional(),
    avatar: Uuid.nullable().optional(),
    settings: z.strictObject({ historyVisibility: HistoryVisibility.optional() }).optional(),
  }),
  result: z.object({}),
  id: ({ conversationId }) => conversationId,
  needs: ({ name, description }, _by, { nameAt, descriptionAt }) => ({
    opened: [...(name === undefined ? [] : [nameAt]), ...(description === undefined ? [] : [descriptionAt])],
  }),

  decide(state, { name, description, avatar, settings }, by) {
    const own = membership(state, by);
    if (!own) return noSuchConversation();
    if (state.kind === "direct") return reject("conflict", "a direct conversation has no name and no settings");
    if (!governs(own.role)) return reject("forbidden", "only owners and admins change a conversation");
    const events: ConversationEvent[] = [];
    const under = underOf(state);
    const madeSo = [state.createdAt];
    if (name !== undefined) {
      if (fieldOf(by.met.opened(state.nameAt), "name") === name) madeSo.push(state.nameAt);
      else events.push(ConversationRenamed(under, { name }));
    }
    if (description !== undefined) {
      const current = state.descriptionAt < 0 ? null : fieldOf(by.met.opened(state.descriptionAt), "description");
      if (current === description) madeSo.push(state.descriptionAt);
      else events.push(ConversationDescribed(under, { description }));
    }
    if (avatar !== undefined) {
      if (avatar === state.avatar) madeSo.push(state.avatarAt);
      else if (avatar !== null) return reject("not-found", "no such picture among one's own uploads");
      else events.push(ConversationPictured({ avatar }));
    }
    const { historyVisibility } = settings ?? {};
    if (historyVisibility !== undefined) {
      if (historyVisibility === state.historyVisibility) madeSo.push(state.historyVisibilityAt);
      else events.push(HistoryVisibilityChanged({ historyVisibility }));
    }
    return events.length > 0 ? events : unchanged(Math.max(...madeSo));
  },

  answer: () => ({}),
});
