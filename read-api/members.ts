import type { Queryable } from "../infra/ports/database.ts";
import type { MemberRow } from "../projections/members/queries.ts";
import { type PersonRow, people } from "../projections/people/queries.ts";
import { type Opener, openPeople } from "./openPeople.ts";
import type { Member } from "./shapes.ts";

export interface LoadedMembers {
  readonly rows: readonly MemberRow[];
  readonly persons: readonly PersonRow[];
}

export async function loadMembers(
  queryable: Queryable,
  tenant: string,
  rows: readonly MemberRow[],
): Promise<LoadedMembers> {
  return { rows, persons: await people(queryable, tenant, [...new Set(rows.map(({ userId }) => userId))]) };
}

/** In the order of the rows. */
export async function openMembers(sealing: Opener, { rows, persons }: LoadedMembers): Promise<Member[]> {
  const names = new Map((await openPeople(sealing, persons)).map((person) => [person.userId, person.displayName]));
  return rows.map(({ userId, role, joinedAt, leftAt }) => ({
    userId,
    role,
    displayName: names.get(userId) ?? null,
    joinedAt: joinedAt.toISOString(),
    leftAt: leftAt?.toISOString() ?? null,
  }));
}

/** A guest sees of members who they are, and what they may. */
export const forGuest = (member: Member): Member => ({ ...member, joinedAt: null });
