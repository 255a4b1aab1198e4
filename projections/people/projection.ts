import type { Preferences } from "../../domain/user/events.ts";
import type { Logged } from "../logged.ts";
import { projection, type Tables } from "../projection.ts";
import { packSealed } from "../sealedPart.ts";

interface Person {
  readonly tenant: string;
  readonly user_id: string;
  imported: boolean;
  registered: string | null;
  profile: string | null;
  avatar: string | null;
  preferences: Preferences | null;
  deactivated: boolean;
  revision: number;
  changed_position: number;
  own_revision: number;
  own_position: number;
}

interface Device {
  readonly tenant: string;
  readonly user_id: string;
  readonly device_id: string;
  platform: string;
  name: string | null;
  signed_in_at: string;
  signed_out_at: string | null;
}

const handles = [
  "UserRegistered",
  "ProfileChanged",
  "DeviceSignedIn",
  "DeviceSignedOut",
  "PreferencesChanged",
  "UserDeactivated",
  "UserReactivated",
  "UserErased",
  "RolesChanged",
] as const;
type PeopleEvent = Extract<Logged, { type: (typeof handles)[number] }>;
type UserEvent = Exclude<PeopleEvent, { type: "RolesChanged" }>;
type DeviceEvent = Extract<PeopleEvent, { type: "DeviceSignedIn" | "DeviceSignedOut" }>;

/** Profiles, devices, preferences, and the server roles that the tenant gave. */
export const people = projection({
  name: "people",
  version: 1,
  schema: new URL("./schema.sql", import.meta.url),
  streams: ["user", "tenant"],
  handles,
  async project(events, tables, schema) {
    await foldPeople(events.filter(isProfile), tables, schema);
    await foldDevices(events.filter(isDevice), tables, schema);
    await foldRoles(events.filter(isRoles), tables, schema);
  },
});

const isRoles = (event: PeopleEvent) => event.type === "RolesChanged";
const isDevice = (event: PeopleEvent): event is DeviceEvent =>
  event.type === "DeviceSignedIn" || event.type === "DeviceSignedOut";
const isProfile = (event: PeopleEvent): event is Exclude<UserEvent, DeviceEvent> => !isRoles(event) && !isDevice(event);

async function foldPeople(events: readonly Exclude<UserEvent, DeviceEvent>[], tables: Tables, schema: string) {
  if (events.length === 0) return;
  const keys = [...new Map(events.map(({ tenant, of }) => [`${tenant}/${of}`, { tenant, user_id: of }])).values()];
  const { rows } = await tables.query<Person>(
    `select p.tenant, user_id, imported, registered::text, profile::text, avatar, preferences, deactivated,
       revision, changed_position, own_revision, own_position
     from json_to_recordset($1) as k(tenant text, user_id uuid) join ${schema}.people p using (tenant, user_id)`,
    [JSON.stringify(keys)],
    `${schema}-load-people`,
  );
  const folded = new Map(rows.map((row) => [`${row.tenant}/${row.user_id}`, row]));
  for (const event of events) {
    const key = `${event.tenant}/${event.of}`;
    const person = folded.get(key) ?? unknownPerson(event);
    folded.set(key, person);
    evolve(person, event);
  }
  tables.send(
    `insert into ${schema}.people
     select * from json_populate_recordset(null::${schema}.people, $1)
     on conflict (tenant, user_id) do update set imported = excluded.imported, registered = excluded.registered,
       profile = excluded.profile, avatar = excluded.avatar, preferences = excluded.preferences,
       deactivated = excluded.deactivated, revision = excluded.revision, changed_position = excluded.changed_position,
       own_revision = excluded.own_revision, own_position = excluded.own_position`,
    [JSON.stringify([...folded.values()])],
    `${schema}-save-people`,
  );
}

const unknownPerson = ({ tenant, of, revision, position }: Logged): Person => ({
  tenant,
  user_id: of,
  imported: false,
  registered: null,
  profile: null,
  avatar: null,
  preferences: null,
  deactivated: false,
  revision,
  changed_position: position,
  own_revision: revision,
  own_position: position,
});

function evolve(person: Person, event: Exclude<UserEvent, DeviceEvent>): void {
  person.own_revision = event.revision;
  person.own_position = event.position;
  switch (event.type) {
    case "UserRegistered":
      person.imported = event.data.imported;
      person.registered = packSealed(event);
      break;
    case "ProfileChanged":
      person.avatar = event.data.avatar;
      person.profile = packSealed(event);
      break;
    case "PreferencesChanged":
      person.preferences = event.data;
      return;
    case "UserDeactivated":
      person.deactivated = true;
      return;
    case "UserReactivated":
      person.deactivated = false;
      return;
    // What others see is found on opening: they are to look again.
    case "UserErased":
      break;
    default:
      event satisfies never;
  }
  person.revision = event.revision;
  person.changed_position = event.position;
}

async function foldDevices(events: readonly DeviceEvent[], tables: Tables, schema: string) {
  const signedIn = new Map<string, Device>();
  const signedOut = new Map<string, Pick<Device, "tenant" | "user_id" | "device_id" | "signed_out_at">>();
  for (const event of events) {
    const { tenant, of: user_id, data } = event;
    const key = `${tenant}/${user_id}/${data.deviceId}`;
    const at = new Date(event.recordedAt).toISOString();
    const place = { tenant, user_id, device_id: data.deviceId };
    if (event.type === "DeviceSignedOut") signedOut.set(key, { ...place, signed_out_at: at });
    else {
      signedOut.delete(key);
      signedIn.set(key, {
        ...place,
        platform: event.data.platform,
        name: packSealed(event),
        signed_in_at: at,
        signed_out_at: null,
      });
    }
  }
  if (signedIn.size > 0)
    tables.send(
      `insert into ${schema}.devices
       select * from json_populate_recordset(null::${schema}.devices, $1)
       on conflict (tenant, user_id, device_id) do update set platform = excluded.platform, name = excluded.name,
         signed_in_at = excluded.signed_in_at, signed_out_at = excluded.signed_out_at`,
      [JSON.stringify([...signedIn.values()])],
      `${schema}-sign-in-devices`,
    );
  if (signedOut.size > 0)
    tables.send(
      `update ${schema}.devices d set signed_out_at = o.signed_out_at
       from json_populate_recordset(null::${schema}.devices, $1) o
       where d.tenant = o.tenant and d.user_id = o.user_id and d.device_id = o.device_id`,
      [JSON.stringify([...signedOut.values()])],
      `${schema}-sign-out-devices`,
    );
}

async function foldRoles(
  events: readonly Extract<PeopleEvent, { type: "RolesChanged" }>[],
  tables: Tables,
  schema: string,
) {
  const newest = new Map(events.map((event) => [`${event.tenant}/${event.data.userId}`, event]));
  if (newest.size === 0) return;
  const rows = [...newest.values()].map(({ tenant, position, data: { userId, roles, guest } }) => ({
    tenant,
    user_id: userId,
    roles,
    guest,
    changed_position: position,
  }));
  tables.send(
    `insert into ${schema}.roles
     select * from json_populate_recordset(null::${schema}.roles, $1)
     on conflict (tenant, user_id) do update
       set roles = excluded.roles, guest = excluded.guest, changed_position = excluded.changed_position`,
    [JSON.stringify(rows)],
    `${schema}-save-roles`,
  );
}
