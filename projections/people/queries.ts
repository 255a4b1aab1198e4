import type { ServerRole } from "../../domain/tenant/events.ts";
import type { Preferences } from "../../domain/user/events.ts";
import type { Queryable } from "../../infra/ports/database.ts";
import { type SealedPart, unpackSealed } from "../sealedPart.ts";

export interface PersonRow {
  readonly userId: string;
  readonly imported: boolean;
  /** Holds `username` (and the first `displayName`). */
  readonly registered: SealedPart | null;
  /** Holds the `displayName` that counts. */
  readonly named: SealedPart | null;
  readonly avatar: string | null;
  /** Null: as nobody chose otherwise. */
  readonly preferences: Preferences | null;
  readonly deactivated: boolean;
  /** Of the person's stream, at the last change of what others see. */
  readonly revision: number;
  readonly changedPosition: number;
  /** The same of what only the person sees; roles come from another stream, and move the position alone. */
  readonly ownRevision: number;
  readonly ownPosition: number;
  readonly roles: readonly ServerRole[];
  readonly guest: boolean;
}

interface StoredPerson extends Omit<PersonRow, "registered" | "named"> {
  readonly registered: Buffer | null;
  readonly profile: Buffer | null;
}

const PERSON = `p.user_id as "userId", imported, registered, profile, avatar, preferences, deactivated, revision,
  p.changed_position as "changedPosition", own_revision as "ownRevision",
  greatest(own_position, r.changed_position) as "ownPosition", coalesce(r.roles, '{}') as roles,
  coalesce(r.guest, false) as guest`;

function personRow(tenant: string, { registered, profile, ...person }: StoredPerson): PersonRow {
  const part = (packed: Buffer | null) => packed && unpackSealed(tenant, "user", person.userId, packed);
  return { ...person, registered: part(registered), named: part(profile ?? registered) };
}

/** In no order; without those who are not known. */
export async function people(queryable: Queryable, tenant: string, userIds: readonly string[]): Promise<PersonRow[]> {
  if (userIds.length === 0) return [];
  const { rows } = await queryable.query<StoredPerson>(
    `select ${PERSON} from people.people p left join people.roles r using (tenant, user_id)
     where tenant = $1 and p.user_id = any($2::uuid[])`,
    [tenant, userIds],
    "people-of-ids",
  );
  return rows.map((row) => personRow(tenant, row));
}

export const person = async (queryable: Queryable, tenant: string, userId: string): Promise<PersonRow | undefined> =>
  (await people(queryable, tenant, [userId]))[0];

/** Whose profile changed after a position, among those who are or were in a conversation that a person is in now, and
 * may have left messages there; in order of id. */
export async function changedPeople(
  queryable: Queryable,
  tenant: string,
  userId: string,
  window: { readonly after: number; readonly upTo: number; readonly afterId: string; readonly limit: number },
): Promise<string[]> {
  const { rows } = await queryable.query<{ userId: string }>(
    `select p.user_id as "userId" from people.people p
     where tenant = $1 and changed_position > $3 and changed_position <= $4 and p.user_id > $5::uuid
       and (p.user_id = $2 or exists (
         select from members.members one join members.members other using (tenant, conversation)
         where tenant = $1 and one.user_id = $2 and one.present and other.user_id = p.user_id))
     order by p.user_id limit $6`,
    [tenant, userId, window.after, window.upTo, window.afterId, window.limit],
    "people-changed",
  );
  return rows.map((row) => row.userId);
}

/** Those of the others who are now in a conversation that this person is in now. */
export async function sharingConversation(
  queryable: Queryable,
  tenant: string,
  userId: string,
  others: readonly string[],
): Promise<Set<string>> {
  const { rows } = await queryable.query<{ userId: string }>(
    `select distinct other.user_id as "userId" from members.members one join members.members other using (tenant, conversation)
     where tenant = $1 and one.user_id = $2 and one.present and other.user_id = any($3::uuid[]) and other.present`,
    [tenant, userId, others],
    "people-sharing",
  );
  return new Set(rows.map((row) => row.userId));
}

export interface DeviceRow {
  readonly deviceId: string;
  readonly platform: string;
  /** Holds `name`. */
  readonly name: SealedPart | null;
  readonly signedInAt: Date;
  readonly signedOutAt: Date | null;
}

/** Signed in or out; the newest sign-in first. */
export async function devices(queryable: Queryable, tenant: string, userId: string): Promise<DeviceRow[]> {
  const { rows } = await queryable.query<Omit<DeviceRow, "name"> & { name: Buffer | null }>(
    `select device_id as "deviceId", platform, name, signed_in_at as "signedInAt", signed_out_at as "signedOutAt"
     from people.devices where tenant = $1 and user_id = $2 order by signed_in_at desc, device_id`,
    [tenant, userId],
    "people-devices",
  );
  return rows.map(({ name, ...device }) => ({ ...device, name: name && unpackSealed(tenant, "user", userId, name) }));
}
