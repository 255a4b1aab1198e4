import type { By } from "../../domain/by.ts";
import type { Conversation } from "../../domain/conversation/conversation.ts";
import { type ConversationEvent, MemberRoleChanged, type Role } from "../../domain/conversation/events.ts";
import { streamId } from "../../domain/ids.ts";
import type { Rejection } from "../../domain/rejection.ts";
import { unchanged } from "../command.ts";
import type { Met, Unchanged } from "../engine/deciding.ts";
import type { Engine } from "../engine/engine.ts";
import type { Done } from "../engine/pending.ts";
import { noSuchConversation } from "./access.ts";
import { ungatedConversation } from "./aggregate.ts";
import { isGone, ownersOf } from "./owners.ts";

/** Gives a group whose owners were all erased or deactivated an owner; one that has an owner stays as it is. */
export const succeedOwner = (
  engine: Engine,
  conversationId: string,
  by: By,
): Promise<Done<ConversationEvent> | Rejection> =>
  ungatedConversation.mailboxes(engine).send(streamId(by.tenant, "conversation", conversationId), {
    name: "SucceedOwner",
    payload: { conversationId },
    sender: { ...by, commandId: engine.newId() },
    keyed: false,
    needs: ({ members }) => ({ accounts: [...members.keys()] }),
    decide: decideSuccession,
  });

const SUCCESSORS: readonly Role[] = ["admin", "member", "guest"];

/** The longest-standing admin whose account is open, else member, else guest. */
export function decideSuccession(
  state: Conversation,
  { account }: Pick<Met<ConversationEvent>, "account">,
): readonly ConversationEvent[] | Rejection | Unchanged {
  if (state.kind === "none") return noSuchConversation();
  const stays = unchanged(state.createdAt);
  if (state.kind === "direct" || !ownersOf(state).every((owner) => isGone(account(owner)))) return stays;
  const here = [...state.members].flatMap(([userId, { role }]) => {
    const known = account(userId);
    return known && !isGone(known) ? [{ userId, role: known.guest ? "guest" : role }] : [];
  });
  for (const wanted of SUCCESSORS) {
    const successor = here.find(({ role }) => role === wanted);
    if (successor) return [MemberRoleChanged({ userId: successor.userId, role: "owner" })];
  }
  return stays;
}
