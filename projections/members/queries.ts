import type { Role } from "../../domain/conversation/events.ts";
import type { Membership } from "../../domain/conversation/visibility.ts";
import type { Queryable } from "../../infra/ports/database.ts";
import type { Interval } from "./projection.ts";

export interface MemberRow {
  readonly conversation: string;
  readonly userId: string;
  /** `guest` where the account counts as guest everywhere. */
  readonly role: Role;
  readonly present: boolean;
  readonly joinedAt: Date;
  readonly leftAt: Date | null;
  readonly revision: number;
  readonly memberships: readonly Membership[];
}

interface StoredMember extends Omit<MemberRow, "memberships"> {
  readonly intervals: readonly Interval[];
}

const MEMBER = `m.conversation, m.user_id as "userId", case when r.guest then 'guest' else m.role end as role, m.present,
  m.joined_at as "joinedAt", m.left_at as "leftAt", m.revision, m.intervals`;
const FROM = "members.members m left join people.roles r using (tenant, user_id)";

const memberOf = ({ intervals, ...row }: StoredMember): MemberRow => ({
  ...row,
  memberships: intervals.map(([afterSeq, lastSeq]) => ({ afterSeq, lastSeq })),
});

/** Those present, in order of id. `leading`: only owners, admins, and this person. */
export async function membersPage(
  queryable: Queryable,
  tenant: string,
  conversation: string,
  { after, limit, leading }: { after: string | null; limit: number; leading?: string },
): Promise<MemberRow[]> {
  const { rows } = await queryable.query<StoredMember>(
    `select ${MEMBER} from ${FROM}
     where m.tenant = $1 and m.conversation = $2 and m.present and ($3::uuid is null or m.user_id > $3)
       and ($5::uuid is null or m.user_id = $5 or m.role in ('owner', 'admin'))
     order by m.user_id limit $4`,
    [tenant, conversation, after, limit, leading ?? null],
    "members-page",
  );
  return rows.map(memberOf);
}

/** Present or not, in no order. */
export async function membersOf(
  queryable: Queryable,
  tenant: string,
  keys: readonly { readonly conversation: string; readonly userId: string }[],
): Promise<MemberRow[]> {
  if (keys.length === 0) return [];
  const { rows } = await queryable.query<StoredMember>(
    `select ${MEMBER} from json_to_recordset($2) as k(conversation uuid, "userId" uuid)
     join members.members m on m.tenant = $1 and m.conversation = k.conversation and m.user_id = k."userId"
     left join people.roles r using (tenant, user_id)`,
    [tenant, JSON.stringify(keys)],
    "members-of-keys",
  );
  return rows.map(memberOf);
}

/** Where a person is a member or was one: what was written there is still read under this person's name. */
export async function conversationsEver(queryable: Queryable, tenant: string, userId: string): Promise<string[]> {
  const { rows } = await queryable.query<{ conversation: string }>(
    "select conversation from members.members where tenant = $1 and user_id = $2",
    [tenant, userId],
    "members-conversations-ever",
  );
  return rows.map(({ conversation }) => conversation);
}

/** The groups that a person is an owner of now. */
export async function ownedGroups(queryable: Queryable, tenant: string, userId: string): Promise<string[]> {
  const { rows } = await queryable.query<{ conversation: string }>(
    `select conversation from members.members
     where tenant = $1 and user_id = $2 and present and role = 'owner' order by conversation`,
    [tenant, userId],
    "members-owned-groups",
  );
  return rows.map(({ conversation }) => conversation);
}
