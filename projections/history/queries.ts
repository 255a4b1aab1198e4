import type { Queryable } from "../../infra/ports/database.ts";
import { type SealedPart, unpackSealed } from "../sealedPart.ts";

export interface AttachmentFacts {
  readonly mediaId: string;
  readonly kind: "image" | "video" | "audio" | "file";
  readonly size: number;
  readonly mimeType: string;
  readonly width?: number;
  readonly height?: number;
}

export interface MessageRow {
  readonly conversation: string;
  readonly seq: number;
  readonly messageId: string;
  readonly author: string;
  readonly kind: "text" | "media" | "encrypted" | "system";
  readonly sentAt: Date;
  readonly editedAt: Date | null;
  readonly deleted: boolean;
  readonly replyTo: string | null;
  readonly threadRoot: string | null;
  readonly threadCount: number;
  readonly mentions: readonly string[];
  readonly attachments: readonly AttachmentFacts[];
  /** Of its MessageSent, and of the last event that touched it. */
  readonly sentRevision: number;
  readonly revision: number;
  /** As sent, and as last edited; both null once deleted. */
  readonly sealed: SealedPart | null;
  readonly edit: SealedPart | null;
  /** By when it is to be acknowledged, and who is told who has not; null where that was not asked for, or it is deleted. */
  readonly ackBy: Date | null;
  readonly escalateTo: readonly string[] | null;
  /** Of a system message that tells so: who had not acknowledged in time the message that it refers to. */
  readonly overdue: readonly string[] | null;
}

interface StoredMessage extends Omit<MessageRow, "sealed" | "edit"> {
  readonly sealed: Buffer | null;
  readonly edit: Buffer | null;
}

/** Seqs from one to another, both included; null: to the end. */
export interface SeqRange {
  readonly from: number;
  readonly to: number | null;
}

const MESSAGE = `conversation, seq, message_id as "messageId", author, kind, sent_at as "sentAt", edited_at as "editedAt",
  deleted, reply_to as "replyTo", thread_root as "threadRoot", thread_count as "threadCount", mentions, attachments,
  sent_revision as "sentRevision", revision, sealed, edit, ack_by as "ackBy", escalate_to as "escalateTo", overdue`;

function messageOf(tenant: string, { sealed, edit, ...row }: StoredMessage): MessageRow {
  const part = (packed: Buffer | null) => packed && unpackSealed(tenant, "conversation", row.conversation, packed);
  return { ...row, sealed: part(sealed), edit: part(edit) };
}

/**
 * Messages within ranges of seq, in reading order; `descending`: the last ones before the end instead of the first
 * ones after the start. Each range is walked from its end, so gaps between them cost nothing.
 */
export async function messagesWithin(
  queryable: Queryable,
  tenant: string,
  conversation: string,
  ranges: readonly SeqRange[],
  { limit, descending, threadRoot }: { limit: number; descending: boolean; threadRoot: string | null },
): Promise<MessageRow[]> {
  if (ranges.length === 0 || limit === 0) return [];
  const order = descending ? "desc" : "asc";
  const thread = threadRoot === null ? "" : "and thread_root = $5";
  const { rows } = await queryable.query<StoredMessage>(
    `select page.* from json_to_recordset($3) as r("from" bigint, "to" bigint)
     cross join lateral (select ${MESSAGE} from history.messages where tenant = $1 and conversation = $2
       and seq >= r."from" and seq <= coalesce(r."to", 9007199254740991) ${thread} order by seq ${order} limit $4) page
     order by seq ${order} limit $4`,
    [tenant, conversation, JSON.stringify(ranges), limit, ...(threadRoot === null ? [] : [threadRoot])],
    `history-within-${order}${threadRoot === null ? "" : "-thread"}`,
  );
  if (descending) rows.reverse();
  return rows.map((row) => messageOf(tenant, row));
}

/** In no order. */
export async function messagesAt(
  queryable: Queryable,
  tenant: string,
  keys: readonly { readonly conversation: string; readonly seq: number }[],
): Promise<MessageRow[]> {
  if (keys.length === 0) return [];
  const { rows } = await queryable.query<StoredMessage>(
    `select m.* from json_to_recordset($2) as k(conversation uuid, seq bigint) cross join lateral
       (select ${MESSAGE} from history.messages where tenant = $1 and conversation = k.conversation and seq = k.seq) m`,
    [tenant, JSON.stringify(keys)],
    "history-at",
  );
  return rows.map((row) => messageOf(tenant, row));
}

export async function messageById(
  queryable: Queryable,
  tenant: string,
  conversation: string,
  messageId: string,
): Promise<MessageRow | undefined> {
  const { rows } = await queryable.query<StoredMessage>(
    `select ${MESSAGE} from history.messages where tenant = $1 and conversation = $2 and message_id = $3`,
    [tenant, conversation, messageId],
    "history-by-id",
  );
  return rows[0] && messageOf(tenant, rows[0]);
}

/** Where messages of a conversation stand. */
export async function seqsOf(
  queryable: Queryable,
  tenant: string,
  keys: readonly { readonly conversation: string; readonly messageId: string }[],
): Promise<{ conversation: string; messageId: string; seq: number }[]> {
  if (keys.length === 0) return [];
  const { rows } = await queryable.query<{ conversation: string; messageId: string; seq: number }>(
    `select m.conversation, m.message_id as "messageId", m.seq
     from json_to_recordset($2) as k(conversation uuid, "messageId" uuid) join history.messages m
       on m.tenant = $1 and m.conversation = k.conversation and m.message_id = k."messageId"`,
    [tenant, JSON.stringify(keys)],
    "history-seqs",
  );
  return rows;
}

/** The seq of the last message of each of these conversations that has any. */
export async function lastSeqs(
  queryable: Queryable,
  tenant: string,
  conversations: readonly string[],
): Promise<Map<string, number>> {
  const { rows } = await queryable.query<{ conversation: string; last: number | null }>(
    `select c.conversation, (select max(seq) from history.messages where tenant = $1 and conversation = c.conversation) as last
     from unnest($2::uuid[]) as c(conversation)`,
    [tenant, conversations],
  );
  return new Map(rows.flatMap(({ conversation, last }) => (last === null ? [] : [[conversation, last]])));
}

export interface VersionRow {
  readonly revision: number;
  readonly at: Date;
  readonly sealed: SealedPart | null;
}

/** The edits of a message, the oldest first. */
export async function editsOf(
  queryable: Queryable,
  tenant: string,
  conversation: string,
  seq: number,
): Promise<VersionRow[]> {
  const { rows } = await queryable.query<{ revision: number; at: Date; sealed: Buffer | null }>(
    `select revision, edited_at as at, sealed from history.versions
     where tenant = $1 and conversation = $2 and seq = $3 order by revision`,
    [tenant, conversation, seq],
    "history-versions",
  );
  return rows.map(({ sealed, ...row }) => ({
    ...row,
    sealed: sealed && unpackSealed(tenant, "conversation", conversation, sealed),
  }));
}

export interface ReactionRow {
  readonly conversation: string;
  readonly seq: number;
  readonly emoji: string;
  readonly userId: string;
}

/** In the order in which they were given. */
export async function reactionsTo(
  queryable: Queryable,
  tenant: string,
  keys: readonly { readonly conversation: string; readonly seq: number }[],
): Promise<ReactionRow[]> {
  if (keys.length === 0) return [];
  const { rows } = await queryable.query<ReactionRow>(
    `select r.conversation, r.seq, r.emoji, r.user_id as "userId"
     from json_to_recordset($2) as k(conversation uuid, seq bigint) join history.reactions r
       on r.tenant = $1 and r.conversation = k.conversation and r.seq = k.seq
     order by r.position`,
    [tenant, JSON.stringify(keys)],
    "history-reactions",
  );
  return rows;
}

export interface AcknowledgementRow {
  readonly conversation: string;
  readonly seq: number;
  readonly userId: string;
  readonly at: Date;
}

/** In the order in which they came. */
export async function acknowledgementsOf(
  queryable: Queryable,
  tenant: string,
  keys: readonly { readonly conversation: string; readonly seq: number }[],
): Promise<AcknowledgementRow[]> {
  if (keys.length === 0) return [];
  const { rows } = await queryable.query<AcknowledgementRow>(
    `select a.conversation, a.seq, a.user_id as "userId", a.at
     from json_to_recordset($2) as k(conversation uuid, seq bigint) join history.acks a
       on a.tenant = $1 and a.conversation = k.conversation and a.seq = k.seq
     order by a.position`,
    [tenant, JSON.stringify(keys)],
    "history-acks",
  );
  return rows;
}

/** Of one message in a conversation; `author`: who sent it, and need not acknowledge. */
export interface AcknowledgementsAsked {
  readonly conversation: string;
  readonly seq: number;
  readonly author: string;
}

/** Who acknowledged, and members who were there when it was sent, without its author: those are asked. */
const ASKED_OR_DONE = `select coalesce(a.user_id, m.user_id) as user_id, a.at
  from (select user_id, at from history.acks where tenant = $1 and conversation = $2 and seq = $3) a
  full join (
    select user_id from members.members
    where tenant = $1 and conversation = $2 and present and user_id <> $4 and exists (
      select from json_array_elements(intervals) i
      where (i->>0)::bigint < $3 and coalesce((i->>1)::bigint, $3) >= $3)) m using (user_id)`;

export async function countAcknowledgements(queryable: Queryable, tenant: string, asked: AcknowledgementsAsked) {
  const { rows } = await queryable.query<{ acknowledged: number; missing: number }>(
    `select count(at) as acknowledged, count(*) - count(at) as missing from (${ASKED_OR_DONE}) p`,
    [tenant, asked.conversation, asked.seq, asked.author],
    "history-acks-count",
  );
  return rows[0] ?? { acknowledged: 0, missing: 0 };
}

/** In order of id; `at`: null, not yet. */
export async function acknowledgementsPage(
  queryable: Queryable,
  tenant: string,
  asked: AcknowledgementsAsked,
  { after, limit }: { readonly after: string | null; readonly limit: number },
): Promise<{ readonly userId: string; readonly at: Date | null }[]> {
  const { rows } = await queryable.query<{ userId: string; at: Date | null }>(
    `select user_id as "userId", at from (${ASKED_OR_DONE}) p where $5::uuid is null or user_id > $5
     order by user_id limit $6`,
    [tenant, asked.conversation, asked.seq, asked.author, after, limit],
    "history-acks-page",
  );
  return rows;
}

/** A message that is to be acknowledged by a time which has not been dealt with yet. */
export interface Awaiting {
  readonly tenant: string;
  readonly conversation: string;
  readonly messageId: string;
  readonly ackBy: Date;
}

/** Those of all tenants whose time comes first, after one of them. */
export async function awaitingAcknowledgement(
  queryable: Queryable,
  after: Pick<Awaiting, "ackBy" | "messageId"> | undefined,
  limit: number,
): Promise<Awaiting[]> {
  const { rows } = await queryable.query<Awaiting>(
    `select tenant, conversation, message_id as "messageId", ack_by as "ackBy" from history.messages
     where ack_open and ($1::timestamptz is null or (ack_by, message_id) > ($1::timestamptz, $2::uuid))
     order by ack_by, message_id limit $3`,
    [after?.ackBy ?? null, after?.messageId ?? null, limit],
    "history-awaiting",
  );
  return rows;
}

/** Of these conversations those in which more than so many messages changed within a window of positions. */
export async function changedMuch(
  queryable: Queryable,
  tenant: string,
  conversations: readonly string[],
  { after, upTo, many }: { after: number; upTo: number; many: number },
): Promise<Set<string>> {
  if (conversations.length === 0) return new Set();
  const { rows } = await queryable.query<{ conversation: string }>(
    `select c.conversation from unnest($2::uuid[]) as c(conversation)
     where (select count(*) from (select from history.messages where tenant = $1 and conversation = c.conversation
       and changed_position > $3 and changed_position <= $4 order by changed_position limit $5 + 1) m) > $5`,
    [tenant, conversations, after, upTo, many],
    "history-changed-much",
  );
  return new Set(rows.map(({ conversation }) => conversation));
}

/** The texts that count of a person's newest messages, still sealed. */
export async function newestOf(
  queryable: Queryable,
  tenant: string,
  author: string,
  limit: number,
): Promise<SealedPart[]> {
  const { rows } = await queryable.query<{ conversation: string; sealed: Buffer }>(
    `select conversation, coalesce(edit, sealed) as sealed from history.messages
     where tenant = $1 and author = $2 and sealed is not null order by sent_at desc limit $3`,
    [tenant, author, limit],
  );
  return rows.map(({ conversation, sealed }) => unpackSealed(tenant, "conversation", conversation, sealed));
}

/** How many messages and later versions of messages a person wrote, deleted ones too. Reads the whole table. */
export async function countAuthored(queryable: Queryable, tenant: string, author: string): Promise<number> {
  const { rows } = await queryable.query<{ count: number }>(
    `select count(*) + coalesce(sum((select count(*) from history.versions v
       where v.tenant = m.tenant and v.conversation = m.conversation and v.seq = m.seq)), 0)::bigint as count
     from history.messages m where m.tenant = $1 and m.author = $2`,
    [tenant, author],
  );
  return rows[0]?.count ?? 0;
}

export async function countReactions(queryable: Queryable, tenant: string, userId: string): Promise<number> {
  const { rows } = await queryable.query<{ count: number }>(
    "select count(*) as count from history.reactions where tenant = $1 and user_id = $2",
    [tenant, userId],
  );
  return rows[0]?.count ?? 0;
}

/** The conversations that a person wrote in. Reads the whole table. */
export async function conversationsAuthored(queryable: Queryable, tenant: string, author: string): Promise<string[]> {
  const { rows } = await queryable.query<{ conversation: string }>(
    "select distinct conversation from history.messages where tenant = $1 and author = $2",
    [tenant, author],
  );
  return rows.map(({ conversation }) => conversation);
}

/** The first message that is sealed in the bucket of a later day, else what would come after the last one. */
export async function firstSealedAfter(
  queryable: Queryable,
  tenant: string,
  conversation: string,
  day: string,
): Promise<number> {
  const { rows } = await queryable.query<{ seq: number }>(
    `select coalesce(
       (select seq from history.messages where tenant = $1 and conversation = $2 and sealed is not null
          and convert_from(substring(sealed from 37 + get_byte(sealed, 34) for get_byte(sealed, 35)), 'LATIN1')
            collate "C" > $3 order by seq limit 1),
       (select max(seq) + 1 from history.messages where tenant = $1 and conversation = $2), 1) as seq`,
    [tenant, conversation, day],
  );
  return rows[0]?.seq ?? 1;
}
