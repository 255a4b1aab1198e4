import type { Conversation } from "../../domain/conversation/conversation.ts";
import type { Account } from "../engine/deciding.ts";

type AccountOf = (userId: string) => Account | undefined;

/** Nobody can act for this account any more, or until it is opened again. */
export const isGone = (account: Account | undefined): boolean => account?.deactivated || account?.erased || false;

export const ownersOf = ({ members }: Conversation): string[] =>
  [...members].flatMap(([userId, { role }]) => (role === "owner" ? [userId] : []));

/** Whether nobody but this person owns the conversation; whose account is gone does not count. */
export const isLastOwner = (state: Conversation, userId: string, account: AccountOf): boolean =>
  state.members.get(userId)?.role === "owner" &&
  ownersOf(state).every((owner) => owner === userId || isGone(account(owner)));
