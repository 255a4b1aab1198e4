import { z } from "zod";
import { firstSeq, visible } from "../domain/conversation/visibility.ts";
import type { Queryable } from "../infra/ports/database.ts";
import { messagesAt } from "../projections/history/queries.ts";
import type { Seat } from "../projections/inbox/queries.ts";
import { type PersonRow, people } from "../projections/people/queries.ts";
import type { Opened } from "../sealing/sealing.ts";
import { type LoadedMessages, loadMessages, openMessages } from "./messages.ts";
import { type Opener, openAll, openPeople } from "./openPeople.ts";
import type { Conversation } from "./shapes.ts";

/** A person's seat, as that person sees its conversation. */
export interface Seated {
  readonly userId: string;
  readonly seat: Seat;
}

/** Seats with all that showing their conversations takes, read in one snapshot and still sealed. */
export interface LoadedConversations {
  readonly seated: readonly Seated[];
  readonly last: LoadedMessages;
  readonly peers: readonly PersonRow[];
}

const Name = z.object({ name: z.string() });
const Description = z.object({ description: z.string().nullable() });

const peerOf = ({ seat, userId }: Seated) => seat.peers.find((peer) => peer !== userId);
const seesLast = ({ seat: { memberships, historyVisibility, lastSeq } }: Seated) =>
  visible(memberships, historyVisibility, lastSeq);

export async function loadConversations(
  queryable: Queryable,
  tenant: string,
  seated: readonly Seated[],
): Promise<LoadedConversations> {
  const last = new Map(
    seated.filter(seesLast).map(({ seat: { conversation, lastSeq: seq } }) => [conversation, { conversation, seq }]),
  );
  const peers = new Set(seated.flatMap((each) => peerOf(each) ?? []));
  return {
    seated,
    last: await loadMessages(queryable, tenant, await messagesAt(queryable, tenant, [...last.values()])),
    peers: await people(queryable, tenant, [...peers]),
  };
}

/** In the order of the seats. */
export async function openConversations(
  sealing: Opener,
  { seated, last, peers }: LoadedConversations,
): Promise<Conversation[]> {
  const messages = await openMessages(sealing, last, null);
  const lastMessages = new Map(messages.map((message) => [message.conversationId, message]));
  const names = new Map((await openPeople(sealing, peers)).map((person) => [person.userId, person.displayName]));
  const called = await openNames(sealing, seated);
  return seated.map((each) => {
    const { seat } = each;
    const peer = peerOf(each);
    return {
      conversationId: seat.conversation,
      kind: seat.kind,
      name: called.get(seat.conversation)?.name ?? null,
      description: called.get(seat.conversation)?.description ?? null,
      avatar: seat.avatar,
      peer: peer === undefined ? null : { userId: peer, displayName: names.get(peer) ?? null },
      settings: { historyVisibility: seat.historyVisibility },
      role: seat.role,
      memberCount: seat.memberCount,
      firstSeq: firstSeq(seat.memberships, seat.historyVisibility),
      lastSeq: seat.lastSeq,
      lastMessage: (seesLast(each) && lastMessages.get(seat.conversation)) || null,
      read: seat.read,
      delivered: seat.delivered,
      unread: unreadOf(seat),
      mentions: seat.mentions,
      notify: seat.notify,
      mutedUntil: seat.mutedUntil?.toISOString() ?? null,
      expiredTo: seat.expiredTo,
      revision: Math.max(seat.revision, seat.memberRevision),
      position: Math.max(seat.changedPosition, seat.memberPosition),
    };
  });
}

/** By conversation, each opened once. */
async function openNames(sealing: Opener, seated: readonly Seated[]) {
  const seats = [...new Map(seated.map(({ seat }) => [seat.conversation, seat])).values()];
  const opened = await openAll(
    sealing,
    seats.flatMap(({ name, description }) => [name, description]),
  );
  return new Map(
    seats.map(({ conversation }, index) => {
      const name = Name.safeParse(contentOf(opened[2 * index]));
      const description = Description.safeParse(contentOf(opened[2 * index + 1]));
      return [
        conversation,
        {
          name: name.success ? name.data.name : null,
          description: description.success ? description.data.description : null,
        },
      ];
    }),
  );
}

/** Sending reads up to one's own message, so none above the mark is one's own. */
export const unreadOf = ({ lastSeq, read, deletedUnread }: Seat): number => Math.max(0, lastSeq - read - deletedUnread);

const contentOf = (opened: Opened | undefined): unknown => (opened?.state === "readable" ? opened.content : undefined);
