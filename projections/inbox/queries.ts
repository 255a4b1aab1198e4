import type { HistoryVisibility, Notify, Role } from "../../domain/conversation/events.ts";
import type { Membership } from "../../domain/conversation/visibility.ts";
import type { Queryable } from "../../infra/ports/database.ts";
import type { Interval } from "../members/projection.ts";
import { type SealedPart, unpackSealed } from "../sealedPart.ts";

/** A person's place in a conversation, now or once, with what the top of that conversation shows. */
export interface Seat {
  readonly conversation: string;
  readonly kind: "direct" | "group";
  readonly historyVisibility: HistoryVisibility;
  readonly narrowedPosition: number;
  readonly name: SealedPart | null;
  readonly description: SealedPart | null;
  readonly avatar: string | null;
  /** The two of a direct conversation, else empty. */
  readonly peers: readonly string[];
  readonly memberCount: number;
  /** The last events that changed the conversation, and this membership. */
  readonly revision: number;
  readonly changedPosition: number;
  /** Up to there messages are past retention. */
  readonly expiredTo: number | null;
  readonly memberRevision: number;
  readonly memberPosition: number;
  readonly memberships: readonly Membership[];
  readonly present: boolean;
  readonly role: Role;
  /** When the account's own standing changed last: whether it counts as guest everywhere. */
  readonly standingPosition: number;
  readonly joinedPosition: number;
  readonly leftPosition: number | null;
  readonly notify: Notify;
  readonly mutedUntil: Date | null;
  readonly preferencesRevision: number;
  readonly preferencesPosition: number;
  readonly headPosition: number;
  readonly lastSeq: number;
  readonly activityPosition: number;
  readonly delivered: number;
  readonly read: number;
  /** Messages above `read` that were deleted. */
  readonly deletedUnread: number;
  /** Messages above `read` that mention this person now. */
  readonly mentions: number;
  /** Everything of it is to be sent anew to whoever stands before this position. */
  readonly resyncPosition: number;
}

interface StoredSeat extends Omit<Seat, "name" | "description" | "memberships"> {
  readonly name: Buffer | null;
  readonly description: Buffer | null;
  readonly intervals: readonly Interval[];
}

const SEAT = `m.conversation, c.kind, c.history_visibility as "historyVisibility",
  c.narrowed_position as "narrowedPosition", c.name, c.description, c.avatar, c.peers, c.member_count as "memberCount",
  c.revision, c.changed_position as "changedPosition", c.expired_to as "expiredTo", m.revision as "memberRevision",
  m.changed_position as "memberPosition", m.intervals, m.present,
  case when g.guest then 'guest' else m.role end as role, coalesce(g.changed_position, 0) as "standingPosition",
  m.joined_position as "joinedPosition",
  m.left_position as "leftPosition", m.notify, m.muted_until as "mutedUntil",
  m.preferences_revision as "preferencesRevision", m.preferences_position as "preferencesPosition",
  h.position as "headPosition", h.last_seq as "lastSeq", h.activity_position as "activityPosition",
  k.delivered, k.read, coalesce(r.resync_position, 0) as "resyncPosition",
  case when h.last_seq > k.read then (select count(*) from history.messages d where d.tenant = m.tenant
    and d.conversation = m.conversation and d.seq > k.read and d.deleted) else 0 end as "deletedUnread",
  case when h.last_seq > k.read then (select count(*) from history.mentions n where n.tenant = m.tenant
    and n.conversation = m.conversation and n.user_id = m.user_id and n.seq > k.read) else 0 end as mentions`;
/** `offset 0` keeps marks from being sought by the person alone, for each of that person's conversations, while there are no statistics. */
const FROM = `members.members m join inbox.conversations c using (tenant, conversation)
  join inbox.conv_head h using (tenant, conversation)
  cross join lateral (select delivered, read from receipts.marks
    where tenant = m.tenant and conversation = m.conversation and user_id = m.user_id offset 0) k
  left join ops.resync r using (tenant, conversation)
  left join people.roles g on g.tenant = m.tenant and g.user_id = m.user_id`;

function seatOf(tenant: string, { name, description, intervals, ...seat }: StoredSeat): Seat {
  const part = (packed: Buffer | null) => packed && unpackSealed(tenant, "conversation", seat.conversation, packed);
  return {
    ...seat,
    name: part(name),
    description: part(description),
    memberships: intervals.map(([afterSeq, lastSeq]) => ({ afterSeq, lastSeq })),
  };
}

/** Of a person in these conversations, present or not, in no order. */
export async function seats(
  queryable: Queryable,
  tenant: string,
  userId: string,
  conversations: readonly string[],
): Promise<Map<string, Seat>> {
  if (conversations.length === 0) return new Map();
  const { rows } = await queryable.query<StoredSeat>(
    `select ${SEAT} from ${FROM} where m.tenant = $1 and m.user_id = $2 and m.conversation = any($3::uuid[])`,
    [tenant, userId, conversations],
    "inbox-seats",
  );
  return new Map(rows.map((row) => [row.conversation, seatOf(tenant, row)]));
}

/** Of several people in one conversation. */
export async function seatsIn(
  queryable: Queryable,
  tenant: string,
  conversation: string,
  userIds: readonly string[],
): Promise<Map<string, Seat>> {
  const { rows } = await queryable.query<StoredSeat & { userId: string }>(
    `select m.user_id as "userId", ${SEAT} from ${FROM}
     where m.tenant = $1 and m.conversation = $2 and m.user_id = any($3::uuid[])`,
    [tenant, conversation, userIds],
    "inbox-seats-in",
  );
  return new Map(rows.map(({ userId, ...row }) => [userId, seatOf(tenant, row)]));
}

/** A place in the order of an inbox: last activity first. */
export interface InboxPlace {
  readonly activity: number;
  readonly conversation: string;
}

/** Present seats by last activity, below a place, of those that were last active at or before a position. */
export async function inboxPage(
  queryable: Queryable,
  tenant: string,
  userId: string,
  { below, upTo, after, limit }: { below: InboxPlace | null; upTo: number; after: number; limit: number },
): Promise<Seat[]> {
  const { rows } = await queryable.query<StoredSeat>(
    `select ${SEAT} from ${FROM}
     where m.tenant = $1 and m.user_id = $2 and m.present and h.activity_position <= $3 and h.activity_position > $4
       and ($5::bigint is null or (h.activity_position, m.conversation) < ($5::bigint, $6::uuid))
     order by h.activity_position desc, m.conversation desc limit $7`,
    [tenant, userId, upTo, after, below?.activity ?? null, below?.conversation ?? null, limit],
    "inbox-page",
  );
  return rows.map((row) => seatOf(tenant, row));
}

/** Seats, present or left, of which anything moved after a position; in order of conversation. */
export async function movedSeats(queryable: Queryable, tenant: string, userId: string, after: number): Promise<Seat[]> {
  const { rows } = await queryable.query<StoredSeat>(
    `select ${SEAT} from ${FROM}
     where m.tenant = $1 and m.user_id = $2
       and (m.changed_position > $3 or m.preferences_position > $3 or r.resync_position > $3
         or (m.present and (h.position > $3 or c.changed_position > $3 or m.conversation in (
           select o.conversation from people.roles s join members.members o using (tenant, user_id)
           where s.tenant = $1 and s.changed_position > $3 and o.present))))
     order by m.conversation`,
    [tenant, userId, after],
    "inbox-moved",
  );
  return rows.map((row) => seatOf(tenant, row));
}

/** Present seats that were last active after a position; in order of conversation, after one. */
export async function activeSeats(
  queryable: Queryable,
  tenant: string,
  userId: string,
  { since, after, limit }: { since: number; after: string | null; limit: number },
): Promise<Seat[]> {
  const { rows } = await queryable.query<StoredSeat>(
    `select ${SEAT} from ${FROM}
     where m.tenant = $1 and m.user_id = $2 and m.present and h.activity_position > $3
       and ($4::uuid is null or m.conversation > $4) order by m.conversation limit $5`,
    [tenant, userId, since, after, limit],
    "inbox-active",
  );
  return rows.map((row) => seatOf(tenant, row));
}

/** All present seats of a person. */
export async function presentSeats(queryable: Queryable, tenant: string, userId: string): Promise<Seat[]> {
  const { rows } = await queryable.query<StoredSeat>(
    `select ${SEAT} from ${FROM} where m.tenant = $1 and m.user_id = $2 and m.present order by m.conversation`,
    [tenant, userId],
    "inbox-present",
  );
  return rows.map((row) => seatOf(tenant, row));
}

/** What is unread by members of a conversation, of its messages up to a seq. */
export async function unreadUpTo(
  queryable: Queryable,
  tenant: string,
  conversation: string,
  { userIds, seq }: { userIds: readonly string[]; seq: number },
): Promise<{ userId: string; unread: number; mentions: number }[]> {
  const { rows } = await queryable.query<{ userId: string; unread: number; mentions: number }>(
    `select k.user_id as "userId",
       greatest(0, $4 - k.read) - (select count(*) from history.messages d where d.tenant = $1
         and d.conversation = $2 and d.seq > k.read and d.seq <= $4 and d.deleted) as unread,
       (select count(*) from history.mentions n where n.tenant = $1 and n.conversation = $2
         and n.user_id = k.user_id and n.seq > k.read and n.seq <= $4) as mentions
     from receipts.marks k where k.tenant = $1 and k.conversation = $2 and k.user_id = any($3::uuid[])`,
    [tenant, conversation, userIds, seq],
    "inbox-unread-up-to",
  );
  return rows;
}

/** The lowest position among these read models. */
export async function lowestCheckpoint(queryable: Queryable, schemas: readonly string[]): Promise<number> {
  const { rows } = await queryable.query<{ position: number | null }>(
    "select min(position) as position from ops.checkpoints where schema = any($1::text[])",
    [schemas],
    "lowest-checkpoint",
  );
  return rows[0]?.position ?? 0;
}

/** The names of conversations that a person is in or was in, still sealed. */
export async function namesAround(
  queryable: Queryable,
  tenant: string,
  userId: string,
): Promise<{ conversation: string; name: SealedPart }[]> {
  const { rows } = await queryable.query<{ conversation: string; name: Buffer }>(
    `select conversation, name from members.members m join inbox.conversations c using (tenant, conversation)
     where m.tenant = $1 and m.user_id = $2 and name is not null order by conversation`,
    [tenant, userId],
    "inbox-names-around",
  );
  return rows.map(({ conversation, name }) => ({
    conversation,
    name: unpackSealed(tenant, "conversation", conversation, name),
  }));
}

export async function kindsOf(
  queryable: Queryable,
  tenant: string,
  conversations: readonly string[],
): Promise<Map<string, "direct" | "group">> {
  const { rows } = await queryable.query<{ conversation: string; kind: "direct" | "group" }>(
    "select conversation, kind from inbox.conversations where tenant = $1 and conversation = any($2::uuid[])",
    [tenant, conversations],
  );
  return new Map(rows.map(({ conversation, kind }) => [conversation, kind]));
}
