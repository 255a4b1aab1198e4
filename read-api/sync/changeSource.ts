import { isMember } from "../../domain/conversation/visibility.ts";
import type { Queryable } from "../../infra/ports/database.ts";
import { messagesAt, seqsOf } from "../../projections/history/queries.ts";
import {
  lowestCheckpoint,
  presentSeats,
  type Seat,
  seats,
  seatsIn,
  unreadUpTo,
} from "../../projections/inbox/queries.ts";
import { conversationsEver, membersOf } from "../../projections/members/queries.ts";
import { people, sharingConversation } from "../../projections/people/queries.ts";
import { marksOf } from "../../projections/receipts/queries.ts";
import {
  conversationChange,
  meChange,
  memberChange,
  messageChange,
  preferencesChange,
  receiptChange,
  systemChange,
  userChange,
} from "../changes/changes.ts";
import { loadRefs, openRefs, type Ref } from "../changes/refs.ts";
import { openSent, type Sent } from "../changes/sent.ts";
import { loadConversations, openConversations, type Seated } from "../conversations.ts";
import type { Holder } from "../cursors.ts";
import { loadMembers, openMembers } from "../members.ts";
import { loadMessages, openMessages } from "../messages.ts";
import { openPeople } from "../openPeople.ts";
import type { ReadParts } from "../parts.ts";
import type { Change } from "../shapes.ts";
import { block } from "./block.ts";
import { cursorAt, SCHEMAS, syncPage } from "./syncPage.ts";

interface MessageKey {
  readonly conversationId: string;
  readonly messageId: string;
}

interface PersonKey {
  readonly conversationId: string;
  readonly userId: string;
}

const PAGE = 1_000;
const rowKeys = (keys: readonly PersonKey[]) =>
  keys.map(({ conversationId, userId }) => ({ conversation: conversationId, userId }));
const keyOf = (conversation: string, id: string) => `${conversation} ${id}`;

/**
 * Changes for whoever passes them on as they happen: the same, to the byte, that sync gives. Maps are keyed by
 * `<conversation> <message or person>`, or by person; what is not there is left out.
 */
export function changeSource(parts: ReadParts) {
  const { database, sealing } = parts;
  const inSnapshot = <T>(work: (tx: Queryable) => Promise<T>) => database.transaction(work, "snapshot");

  /** Present seats of these people. */
  async function seated(tx: Queryable, tenant: string, keys: readonly PersonKey[]): Promise<Seated[]> {
    const found: Seated[] = [];
    for (const [conversation, of] of Map.groupBy(keys, ({ conversationId }) => conversationId)) {
      const ids = of.map(({ userId }) => userId);
      for (const [userId, seat] of await seatsIn(tx, tenant, conversation, ids))
        if (seat.present) found.push({ userId, seat });
    }
    return found;
  }

  const ofSeats = (change: (seat: Seat) => Change) => async (tenant: string, keys: readonly PersonKey[]) => {
    const found = await inSnapshot((tx) => seated(tx, tenant, keys));
    return new Map(found.map(({ userId, seat }) => [keyOf(seat.conversation, userId), change(seat)]));
  };

  async function persons(tenant: string, userIds: readonly string[], change: typeof userChange | typeof meChange) {
    const rows = await people(database, tenant, userIds);
    const opened = await openPeople(sealing, rows);
    return new Map<string, Change>(
      rows.flatMap((row, index) => {
        const open = opened[index];
        return open ? [[row.userId, change(row, open)] as const] : [];
      }),
    );
  }

  return {
    /**
     * Pages from a cursor up to where the read models stand when it starts. The last round is one page, and so of one
     * snapshot: its absolute numbers count nothing that lies beyond it.
     */
    async *catchUp(viewer: Holder, cursor: string | undefined) {
      const goal = await lowestCheckpoint(database, SCHEMAS);
      let wasInRound = false;
      for (let from = cursor; ; ) {
        const page = await syncPage(parts, viewer, from, PAGE);
        yield page;
        if (!page.more && !wasInRound && page.upTo >= goal) return;
        wasInRound = page.more;
        from = page.cursor;
      }
    },
    cursorAt: (viewer: Holder, position: number) => cursorAt(parts, viewer, position),
    belongings: (tenant: string, userId: string) =>
      inSnapshot(async (tx) => ({
        position: await lowestCheckpoint(tx, SCHEMAS),
        conversations: (await presentSeats(tx, tenant, userId)).map(
          ({ conversation, role, memberships, historyVisibility, memberCount, lastSeq }) => ({
            conversationId: conversation,
            role,
            memberships,
            historyVisibility,
            memberCount,
            lastSeq,
          }),
        ),
      })),
    /** New messages, made from their events alone; in their order. */
    sent: (events: readonly Sent[]) => openSent(sealing, events),
    async messages(tenant: string, keys: readonly MessageKey[]) {
      const loaded = await inSnapshot(async (tx) => {
        const asked = keys.map(({ conversationId, messageId }) => ({ conversation: conversationId, messageId }));
        return loadMessages(tx, tenant, await messagesAt(tx, tenant, await seqsOf(tx, tenant, asked)));
      });
      return new Map(
        (await openMessages(sealing, loaded, null)).map((message) => [
          keyOf(message.conversationId, message.messageId),
          messageChange(message),
        ]),
      );
    },
    async members(tenant: string, keys: readonly PersonKey[]) {
      const loaded = await inSnapshot(async (tx) =>
        loadMembers(tx, tenant, await membersOf(tx, tenant, rowKeys(keys))),
      );
      const opened = await openMembers(sealing, loaded);
      return new Map<string, Change>(
        loaded.rows.flatMap((row, index) => {
          const member = opened[index];
          return member ? [[keyOf(row.conversation, row.userId), memberChange(row, member)] as const] : [];
        }),
      );
    },
    async receipts(tenant: string, keys: readonly PersonKey[]) {
      const rows = await marksOf(database, tenant, rowKeys(keys));
      return new Map(rows.map((row) => [keyOf(row.conversation, row.userId), receiptChange(row)]));
    },
    async users(tenant: string, userIds: readonly string[]) {
      const changes = await persons(tenant, userIds, userChange);
      const system = systemChange(tenant);
      return userIds.includes(system.userId) ? changes.set(system.userId, system) : changes;
    },
    me: (tenant: string, userIds: readonly string[]) => persons(tenant, userIds, meChange),
    async conversations(tenant: string, keys: readonly PersonKey[]) {
      const loaded = await inSnapshot(async (tx) => loadConversations(tx, tenant, await seated(tx, tenant, keys)));
      const opened = await openConversations(sealing, loaded);
      return new Map<string, Change>(
        loaded.seated.flatMap(({ userId, seat }, index) => {
          const conversation = opened[index];
          return conversation ? [[keyOf(seat.conversation, userId), conversationChange(conversation)] as const] : [];
        }),
      );
    },
    preferences: ofSeats(preferencesChange),
    /** Of messages up to a seq: what a device has not been sent yet, it will count by itself. */
    async unread(tenant: string, conversationId: string, userIds: readonly string[], seq: number) {
      const rows = await unreadUpTo(database, tenant, conversationId, { userIds, seq });
      return new Map<string, Change>(
        rows.map(({ userId, unread, mentions }) => [userId, { op: "unread", conversationId, unread, mentions }]),
      );
    },
    /**
     * All that a snapshot holds of a conversation, in its order, up to a message: a device that was sent later ones would
     * not count them when they come. Nothing where the person is no member.
     */
    async anew(tenant: string, { conversationId, userId }: PersonKey, upTo: number): Promise<Change[]> {
      const viewer = { tenant, userId };
      const loaded = await inSnapshot(async (tx) => {
        const seat = (await seats(tx, tenant, userId, [conversationId])).get(conversationId);
        const refs: Ref[] = [];
        if (seat && isMember(seat.memberships)) {
          const then = await seatUpTo(tx, viewer, seat, upTo);
          for await (const { ref } of block(tx, viewer, then, { detailed: true, left: false }, null)) refs.push(ref);
        }
        return loadRefs(tx, viewer, refs);
      });
      return openRefs(sealing, loaded);
    },
    conversationsEver: (tenant: string, userId: string) => conversationsEver(database, tenant, userId),
    share: (tenant: string, userId: string, others: readonly string[]) =>
      sharingConversation(database, tenant, userId, others),
  };
}

/** A seat as it is where a message is the last one: its numbers count none beyond. */
async function seatUpTo(
  tx: Queryable,
  { tenant, userId }: { readonly tenant: string; readonly userId: string },
  seat: Seat,
  seq: number,
): Promise<Seat> {
  if (seat.lastSeq <= seq) return seat;
  const [counted] = await unreadUpTo(tx, tenant, seat.conversation, { userIds: [userId], seq });
  const { unread, mentions } = counted ?? { unread: 0, mentions: 0 };
  return { ...seat, lastSeq: seq, deletedUnread: Math.max(0, seq - seat.read) - unread, mentions };
}
