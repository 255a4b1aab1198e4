import type { By } from "../../domain/by.ts";
import type { Conversation } from "../../domain/conversation/conversation.ts";
import {
  ConversationCreated,
  type ConversationEvent,
  ConversationRenamed,
  MemberAdded,
  MemberRoleChanged,
  type Role,
} from "../../domain/conversation/events.ts";
import { streamId } from "../../domain/ids.ts";
import type { Rejection } from "../../domain/rejection.ts";
import { unchanged } from "../command.ts";
import { ungatedConversation } from "../conversation/aggregate.ts";
import type { Unchanged } from "../engine/deciding.ts";
import type { Engine } from "../engine/engine.ts";
import type { Done } from "../engine/pending.ts";

export interface ImportedConversation {
  readonly conversationId: string;
  readonly name: string;
  readonly members: readonly { readonly userId: string; readonly role: Role }[];
}

/** Makes a group with these members, or adds to it those who never were members. No limit of members applies. */
export const importConversation = (
  engine: Engine,
  payload: ImportedConversation,
  by: By,
): Promise<Done<ConversationEvent> | Rejection> =>
  ungatedConversation.mailboxes(engine).send(streamId(by.tenant, "conversation", payload.conversationId), {
    name: "ImportConversation",
    payload,
    sender: { ...by, commandId: engine.newId() },
    keyed: false,
    needs: () => undefined,
    decide: (state) => decideImport(state, payload),
  });

export function decideImport(
  state: Conversation,
  { name, members }: Pick<ImportedConversation, "name" | "members">,
): readonly ConversationEvent[] | Unchanged {
  const begun =
    state.kind === "none"
      ? [ConversationCreated({ kind: "group", historyVisibility: "all" }), ConversationRenamed({}, { name })]
      : [];
  const joined = members.flatMap(({ userId, role }): ConversationEvent[] => {
    const there = state.members.get(userId);
    // Whoever left since stays away, and whoever was made an owner since stays one.
    if (!there) return state.former.has(userId) ? [] : [MemberAdded({ userId, role, afterSeq: state.lastSeq })];
    return role === "owner" && there.role !== "owner" ? [MemberRoleChanged({ userId, role })] : [];
  });
  const events = [...begun, ...joined];
  return events.length > 0 ? events : unchanged(state.createdAt);
}
