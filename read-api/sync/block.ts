import { firstSeq } from "../../domain/conversation/visibility.ts";
import type { Queryable } from "../../infra/ports/database.ts";
import { messagesWithin } from "../../projections/history/queries.ts";
import type { Seat } from "../../projections/inbox/queries.ts";
import { membersPage } from "../../projections/members/queries.ts";
import type { Ref } from "../changes/refs.ts";
import { clip, visibleRanges } from "../visibility.ts";
import type { BlockPlace } from "./place.ts";

const LAST_MESSAGES = 20;
const ALL_MEMBERS_UP_TO = 200;
/** In larger conversations the receipts of others are asked for, not sent. */
export const RECEIPTS_UP_TO = 64;

const parts = {
  left: 0,
  conversation: 1,
  preferences: 2,
  unread: 3,
  member: 4,
  receipt: 5,
  user: 6,
  message: 7,
} as const;

interface BlockOptions {
  /** With members, receipts, senders and the last messages. */
  readonly detailed: boolean;
  /** The device may hold something of it, which it drops first. */
  readonly left: boolean;
}

const paddedSeq = (seq: number) => String(seq).padStart(16, "0");

/** A conversation as a snapshot holds it, in the contract's order, after a place in it. */
export async function* block(
  tx: Queryable,
  { tenant, userId }: { readonly tenant: string; readonly userId: string },
  seat: Seat,
  { detailed, left }: BlockOptions,
  from: BlockPlace | null,
): AsyncGenerator<{ ref: Ref; block: BlockPlace }> {
  const { conversation } = seat;
  const ranges = from && from.part >= parts.conversation ? from.ranges : lastMessages(seat);
  const isNew = (part: number, key: string) => !from || part > from.part || (part === from.part && key > from.key);
  const at = (part: number, key = "") => ({ part, key, ranges });

  const top: Extract<Ref, { op: "left" | "conversation" | "preferences" | "unread" }>[] = [
    ...(left ? [{ op: "left", conversation } as const] : []),
    { op: "conversation", seat },
    { op: "preferences", seat },
    { op: "unread", seat },
  ];
  for (const ref of top) if (isNew(parts[ref.op], "")) yield { ref, block: at(parts[ref.op]) };
  if (!detailed) return;

  if (isNew(parts.receipt, "~")) {
    const members = await membersPage(tx, tenant, conversation, {
      after: null,
      limit: seat.memberCount <= ALL_MEMBERS_UP_TO ? ALL_MEMBERS_UP_TO : 10 * ALL_MEMBERS_UP_TO,
      ...(seat.memberCount <= ALL_MEMBERS_UP_TO ? {} : { leading: userId }),
    });
    const ids = members.map((member) => member.userId);
    for (const id of ids)
      if (isNew(parts.member, id))
        yield {
          ref: { op: "member", conversation, userId: id, plain: seat.role === "guest" },
          block: at(parts.member, id),
        };
    for (const id of seat.memberCount <= RECEIPTS_UP_TO ? ids : [userId])
      if (isNew(parts.receipt, id))
        yield { ref: { op: "receipt", conversation, userId: id }, block: at(parts.receipt, id) };
  }

  // What is seen no more since then is left out.
  const seen = visibleRanges(seat.memberships, seat.historyVisibility);
  const still = ranges.flatMap(({ from, to }) => clip(seen, from, to));
  const messages = await messagesWithin(tx, tenant, conversation, still, {
    limit: LAST_MESSAGES,
    descending: true,
    threadRoot: null,
  });
  for (const author of [...new Set(messages.map((message) => message.author))].sort())
    if (isNew(parts.user, author)) yield { ref: { op: "user", userId: author }, block: at(parts.user, author) };
  for (const { seq } of messages)
    if (isNew(parts.message, paddedSeq(seq)))
      yield { ref: { op: "message", conversation, seq }, block: at(parts.message, paddedSeq(seq)) };
}

function lastMessages({ memberships, historyVisibility, lastSeq }: Seat): BlockPlace["ranges"] {
  const first = Math.max(firstSeq(memberships, historyVisibility), lastSeq - LAST_MESSAGES + 1);
  return clip(visibleRanges(memberships, historyVisibility), first, lastSeq).map(({ from, to }) => ({
    from,
    to: to ?? lastSeq,
  }));
}
