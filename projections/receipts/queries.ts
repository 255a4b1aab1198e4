import type { Queryable } from "../../infra/ports/database.ts";

export interface MarksRow {
  readonly conversation: string;
  readonly userId: string;
  readonly delivered: number;
  readonly read: number;
}

/** In no order. */
export async function marksOf(
  queryable: Queryable,
  tenant: string,
  keys: readonly { readonly conversation: string; readonly userId: string }[],
): Promise<MarksRow[]> {
  if (keys.length === 0) return [];
  const { rows } = await queryable.query<MarksRow>(
    `select k.conversation, k."userId", m.delivered, m.read
     from json_to_recordset($2) as k(conversation uuid, "userId" uuid) join receipts.marks m
       on m.tenant = $1 and m.conversation = k.conversation and m.user_id = k."userId"`,
    [tenant, JSON.stringify(keys)],
    "receipts-marks",
  );
  return rows;
}

/** Which message, whose it is, and whether everybody may see it whenever they joined. */
export interface ReceiptsAsked {
  readonly conversation: string;
  readonly seq: number;
  readonly author: string;
  readonly openToAll: boolean;
}

/** Members now, without the author, in whose membership the message falls (or any, where history is open to all). */
const ENTITLED = `members.members m join receipts.marks k using (tenant, conversation, user_id)
  where m.tenant = $1 and m.conversation = $2 and m.present and m.user_id <> $4 and ($5 or exists (
    select from json_array_elements(m.intervals) i
    where (i->>0)::bigint < $3 and coalesce((i->>1)::bigint, $3) >= $3))`;

export async function countReceipts(queryable: Queryable, tenant: string, asked: ReceiptsAsked) {
  const { rows } = await queryable.query<{ total: number; delivered: number; read: number }>(
    `select count(*) as total, count(*) filter (where k.delivered >= $3) as delivered,
       count(*) filter (where k.read >= $3) as read from ${ENTITLED}`,
    [tenant, asked.conversation, asked.seq, asked.author, asked.openToAll],
    "receipts-count",
  );
  return rows[0] ?? { total: 0, delivered: 0, read: 0 };
}

export interface ReceiptRow {
  readonly userId: string;
  readonly deliveredAt: Date | null;
  readonly readAt: Date | null;
}

/** Those whom it reached, in order of id, and when: the first raise at or above a seq. */
export async function receiptsPage(
  queryable: Queryable,
  tenant: string,
  asked: ReceiptsAsked,
  { after, limit }: { after: string | null; limit: number },
): Promise<ReceiptRow[]> {
  const { rows } = await queryable.query<ReceiptRow>(
    `select p.user_id as "userId", d.at as "deliveredAt", r.at as "readAt" from (
       select m.user_id from ${ENTITLED} and k.delivered >= $3 and ($6::uuid is null or m.user_id > $6)
       order by m.user_id limit $7) p
     left join lateral (select at from receipts.raises where tenant = $1 and conversation = $2 and user_id = p.user_id
       and delivered >= $3 order by delivered, read limit 1) d on true
     left join lateral (select at from receipts.raises where tenant = $1 and conversation = $2 and user_id = p.user_id
       and read >= $3 order by read, delivered limit 1) r on true
     order by p.user_id`,
    [tenant, asked.conversation, asked.seq, asked.author, asked.openToAll, after, limit],
    "receipts-page",
  );
  return rows;
}
