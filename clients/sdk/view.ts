import type { Message } from "./contract.ts";
import { bySeq } from "./message.ts";
import type { ClientState, Held, HeldMember } from "./state.ts";

/**
 * By the time of the last message (or of joining), the latest first: what every device of a person knows alike, however
 * it came by it. What has no time yet stands last, as it came.
 */
export const inbox = (state: ClientState): readonly Held[] =>
  [...state.conversations.values()]
    .map((held) => ({ held, at: lastTime(state, held) }))
    .sort((one, other) => descending(one.at, other.at) || (one.at === "" ? asItCame : byId)(one.held, other.held))
    .map(({ held }) => held);

const descending = (one: string, other: string): number => (one < other ? 1 : one > other ? -1 : 0);
const byId = (one: Held, other: Held): number =>
  descending(one.conversation.conversationId, other.conversation.conversationId);
const asItCame = (one: Held, other: Held): number =>
  other.activity.position - one.activity.position || other.activity.order - one.activity.order;

const lastTime = ({ userId }: ClientState, { conversation, members }: Held): string =>
  conversation.lastMessage?.sentAt ?? members.get(userId)?.joinedAt ?? "";

/** Those held, in order. */
export const messagesOf = (held: Held): readonly Message[] => [...held.messages.values()].sort(bySeq);

/** Those who are members now, as far as they were sent: of a large group only some are. */
export const membersOf = (held: Held): readonly HeldMember[] =>
  [...held.members.values()].filter((member) => member.leftAt === null);

/** Stretches of seq (inclusive) from `firstSeq` to the last that are history not fetched yet, in order. */
export function gaps(held: Held): readonly { readonly from: number; readonly to: number }[] {
  const { firstSeq, lastSeq } = held.conversation;
  const missing: { from: number; to: number }[] = [];
  let next = firstSeq;
  for (const { seq } of messagesOf(held)) {
    if (seq > next) missing.push({ from: next, to: seq - 1 });
    next = Math.max(next, seq + 1);
  }
  if (next <= lastSeq) missing.push({ from: next, to: lastSeq });
  return missing;
}

/** The name to show: a group's own, a direct conversation's peer. */
export function titleOf(state: ClientState, { conversation }: Held): string {
  if (conversation.kind === "group") return conversation.name ?? "(no name)";
  return conversation.peer ? nameOf(state, conversation.peer.userId, conversation.peer.displayName) : "(nobody)";
}

/** The living profile counts; an erased person has no name any more. */
export function nameOf(state: ClientState, userId: string, fallback: string | null = null): string {
  const user = state.users.get(userId);
  if (user?.erased) return "(erased)";
  if (user?.displayName) return user.displayName;
  if (userId === state.userId && state.me?.displayName) return state.me.displayName;
  if (fallback) return fallback;
  for (const held of state.conversations.values()) {
    const name = held.members.get(userId)?.displayName;
    if (name) return name;
  }
  return "(unknown)";
}
