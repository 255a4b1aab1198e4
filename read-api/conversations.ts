import { z } from "zod";
import type { By } from "../domain/by.ts";
import { firstSeq, visible } from "../domain/conversation/visibility.ts";
import type { Queryable } from "../infra/ports/database.ts";
import { messagesAt } from "../projections/history/queries.ts";
import type { Seat } from "../projections/inbox/queries.ts";
import { type PersonRow, people } from "../projections/people/queries.ts";
import type { Opened } from "../sealing/sealing.ts";
import { type LoadedMessages, loadMessages, openMessages } from "./messages.ts";
import { type Opener, openAll, openPeople } from "./openPeople.ts";
import type { Conversation } from "./shapes.ts";

/** Present seats with all that showing their conversations takes, read in one snapshot and still sealed. */
export interface LoadedConversations {
  readonly seats: readonly Seat[];
  readonly last: LoadedMessages;
  readonly peers: readonly PersonRow[];
}

const Name = z.object({ name: z.string() });
const Description = z.object({ description: z.string().nullable() });

const peerOf = ({ peers }: Seat, userId: string) => peers.find((peer) => peer !== userId);

export async function loadConversations(
  queryable: Queryable,
  { tenant, userId }: Pick<By, "tenant" | "userId">,
  seats: readonly Seat[],
): Promise<LoadedConversations> {
  const last = seats
    .filter(({ memberships, historyVisibility, lastSeq }) => visible(memberships, historyVisibility, lastSeq))
    .map(({ conversation, lastSeq }) => ({ conversation, seq: lastSeq }));
  const peers = seats.flatMap((seat) => peerOf(seat, userId) ?? []);
  return {
    seats,
    last: await loadMessages(queryable, tenant, await messagesAt(queryable, tenant, last)),
    peers: await people(queryable, tenant, [...new Set(peers)]),
  };
}

/** In the order of the seats. */
export async function openConversations(
  sealing: Opener,
  { seats, last, peers }: LoadedConversations,
  { userId, guest }: Pick<By, "userId" | "guest">,
): Promise<Conversation[]> {
  const messages = await openMessages(sealing, last, null);
  const lastMessages = new Map(messages.map((message) => [message.conversationId, message]));
  const names = new Map((await openPeople(sealing, peers)).map((person) => [person.userId, person.displayName]));
  const opened = (
    await openAll(
      sealing,
      seats.flatMap(({ name, description }) => [name, description]),
    )
  ).values();
  const nextContent = () => contentOf(opened.next().value);
  return seats.map((seat) => {
    const peer = peerOf(seat, userId);
    const name = Name.safeParse(nextContent());
    const description = Description.safeParse(nextContent());
    return {
      conversationId: seat.conversation,
      kind: seat.kind,
      name: name.success ? name.data.name : null,
      description: description.success ? description.data.description : null,
      avatar: seat.avatar,
      peer: peer === undefined ? null : { userId: peer, displayName: names.get(peer) ?? null },
      settings: { historyVisibility: seat.historyVisibility },
      role: guest ? "guest" : seat.role,
      memberCount: seat.memberCount,
      firstSeq: firstSeq(seat.memberships, seat.historyVisibility),
      lastSeq: seat.lastSeq,
      lastMessage: lastMessages.get(seat.conversation) ?? null,
      read: seat.read,
      delivered: seat.delivered,
      unread: unreadOf(seat),
      mentions: seat.mentions,
      notify: seat.notify,
      mutedUntil: seat.mutedUntil?.toISOString() ?? null,
      expiredTo: null,
      revision: Math.max(seat.revision, seat.memberRevision),
      position: Math.max(seat.changedPosition, seat.memberPosition),
    };
  });
}

/** Sending reads up to one's own message, so none above the mark is one's own. */
export const unreadOf = ({ lastSeq, read, deletedUnread }: Seat): number => Math.max(0, lastSeq - read - deletedUnread);

const contentOf = (opened: Opened | undefined): unknown => (opened?.state === "readable" ? opened.content : undefined);
