import { z } from "zod";
import { MemberPreferencesChanged, Notify } from "../../domain/conversation/events.ts";
import { Uuid } from "../../domain/ids.ts";
import { command, unchanged } from "../command.ts";
import { membership, noSuchConversation } from "./access.ts";
import { conversation } from "./aggregate.ts";
import { Moment } from "./moment.ts";

export const SetConversationPreferences = command({
  name: "SetConversationPreferences",
  route: "PUT /api/v1/conversations/:conversationId/preferences",
  summary: "Says what oneself is notified of in a conversation.",
  status: 200,
  on: conversation,
  payload: z.strictObject({ conversationId: Uuid, notify: Notify, mutedUntil: Moment.nullable() }),
  result: z.object({}),
  id: ({ conversationId }) => conversationId,

  decide(state, { notify, mutedUntil }, by) {
    const own = membership(state, by);
    if (!own) return noSuchConversation();
    const { member } = own;
    if (member.notify === notify && member.mutedUntil === mutedUntil) return unchanged(member.preferencesAt);
    return [MemberPreferencesChanged({ userId: by.userId, notify, mutedUntil })];
  },

  answer: () => ({}),
});
