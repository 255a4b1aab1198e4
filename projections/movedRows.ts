import type { Queryable } from "../infra/ports/database.ts";

/** Something that sync sends and that changed at a position; `rank` and `key` order what one event changed. */
export interface MovedRow {
  readonly position: number;
  readonly rank: number;
  readonly conversation: string;
  /** A member's id, or a message's seq padded with zeros to 16. */
  readonly key: string;
  /** Of a message. */
  readonly author: string | null;
}

export const ranks = { conversation: 0, preferences: 1, member: 2, receipt: 3, message: 4 } as const;

/** position, rank, conversation, key */
export type RowPlace = readonly [number, number, string, string];

interface Moved {
  readonly conversations: readonly string[];
  /** All in which the standing of a member may have changed. */
  readonly withStandings: readonly string[];
  /** Those of them whose receipts go to everybody; of the others only this person's. */
  readonly withReceipts: readonly string[];
  readonly userId: string;
  readonly after: RowPlace;
  readonly upTo: number;
  readonly limit: number;
}

/** One source of rows: each conversation's from its index in order of position, as many as a page may take. */
const source = (rank: number, table: string, key: string, author: string, conversations: string, also = "") =>
  `select r.* from unnest(${conversations}::uuid[]) as c(conversation) cross join lateral (
     select changed_position as position, ${rank} as rank, t.conversation::text collate "C" as conversation,
       ${key} collate "C" as key, ${author} as author
     from ${table} t where t.tenant = $1 and t.conversation = c.conversation
       and changed_position >= $5 and changed_position <= $9 ${also}
       and (changed_position, ${rank}, t.conversation::text collate "C", ${key} collate "C")
         > ($5::bigint, $6::int, $7::text collate "C", $8::text collate "C")
     order by changed_position, 4 limit $10) r`;

/** Members whose account came to count as guest, or no longer does: it is another's row, but theirs is what it changed. */
const STANDING = `(select s.changed_position, ${ranks.member}, o.conversation::text collate "C",
    o.user_id::text collate "C", null::uuid
  from people.roles s join members.members o using (tenant, user_id)
  where s.tenant = $1 and o.present and o.conversation = any($11::uuid[])
    and s.changed_position >= $5 and s.changed_position <= $9
    and (s.changed_position, ${ranks.member}, o.conversation::text collate "C", o.user_id::text collate "C")
      > ($5::bigint, $6::int, $7::text collate "C", $8::text collate "C")
  order by 1, 3, 4 limit $10)`;

const SEQ_KEY = "lpad(seq::text, 16, '0')";
const SQL = `select position, rank, conversation, key, author from (
  ${source(ranks.member, "members.members", "user_id::text", "null::uuid", "$2")}
  union all ${STANDING}
  union all ${source(ranks.receipt, "receipts.marks", "user_id::text", "null::uuid", "$3")}
  union all ${source(ranks.receipt, "receipts.marks", "user_id::text", "null::uuid", "$2", "and user_id = $4 and t.conversation <> all($3::uuid[])")}
  union all ${source(ranks.message, "history.messages", SEQ_KEY, "author", "$2")}
) moved order by position, rank, conversation, key limit $10`;

/** Members, receipts and messages of these conversations that changed after a place, merged in log order. */
export async function movedRows(
  queryable: Queryable,
  tenant: string,
  { conversations, withStandings, withReceipts, userId, after, upTo, limit }: Moved,
): Promise<MovedRow[]> {
  if (withStandings.length === 0) return [];
  const { rows } = await queryable.query<MovedRow>(
    SQL,
    [tenant, conversations, withReceipts, userId, ...after, upTo, limit, withStandings],
    "moved-rows",
  );
  return rows;
}
