import type { Notify, Role } from "../../domain/conversation/events.ts";
import type { Logged } from "../logged.ts";
import { projection } from "../projection.ts";

/** From after a seq to the last seq of a membership, or still on. */
export type Interval = [afterSeq: number, lastSeq: number | null];

interface Member {
  readonly tenant: string;
  readonly conversation: string;
  readonly user_id: string;
  intervals: Interval[];
  present: boolean;
  role: Role;
  joined_at: Date | string;
  joined_position: number;
  left_at: Date | string | null;
  left_position: number | null;
  revision: number;
  changed_position: number;
  notify: Notify;
  muted_until: Date | string | null;
  preferences_revision: number;
  preferences_position: number;
}

const handles = ["MemberAdded", "MemberRoleChanged", "MemberRemoved", "MemberPreferencesChanged"] as const;
type MemberEvent = Extract<Logged, { type: (typeof handles)[number] }>;

/** Who is and was in which conversation, from which message to which, in what role, and how each wants to be told. */
export const members = projection({
  name: "members",
  version: 1,
  schema: new URL("./schema.sql", import.meta.url),
  streams: ["conversation"],
  handles,
  async project(events, tables, schema) {
    const keys = new Map(events.map((event) => [keyOf(event), placeOf(event)]));
    const { rows } = await tables.query<Member>(
      `select m.* from json_to_recordset($1) as k(tenant text, conversation uuid, user_id uuid)
       join ${schema}.members m using (tenant, conversation, user_id)`,
      [JSON.stringify([...keys.values()])],
      `${schema}-load`,
    );
    const folded = new Map(rows.map((row) => [`${row.tenant}/${row.conversation}/${row.user_id}`, row]));
    for (const event of events) {
      const key = keyOf(event);
      const member = folded.get(key);
      if (event.type === "MemberAdded") folded.set(key, joined(event, member));
      else if (member) evolve(member, event);
      else throw new Error(`${event.type} of somebody who was never added, in ${event.stream}`);
    }
    tables.send(
      `insert into ${schema}.members
       select * from json_populate_recordset(null::${schema}.members, $1)
       on conflict (tenant, conversation, user_id) do update set intervals = excluded.intervals,
         present = excluded.present, role = excluded.role, joined_at = excluded.joined_at,
         joined_position = excluded.joined_position, left_at = excluded.left_at, left_position = excluded.left_position,
         revision = excluded.revision, changed_position = excluded.changed_position, notify = excluded.notify,
         muted_until = excluded.muted_until, preferences_revision = excluded.preferences_revision,
         preferences_position = excluded.preferences_position`,
      [JSON.stringify([...folded.values()])],
      `${schema}-save`,
    );
  },
});

const placeOf = ({ tenant, of, data }: MemberEvent) => ({ tenant, conversation: of, user_id: data.userId });
const keyOf = ({ tenant, of, data }: MemberEvent) => `${tenant}/${of}/${data.userId}`;
const timeOf = ({ recordedAt }: Logged) => new Date(recordedAt).toISOString();

function joined(event: Extract<MemberEvent, { type: "MemberAdded" }>, before: Member | undefined): Member {
  const { revision, position, data } = event;
  return {
    ...placeOf(event),
    intervals: [...(before?.intervals ?? []), [data.afterSeq, null]],
    present: true,
    role: data.role,
    joined_at: timeOf(event),
    joined_position: position,
    left_at: null,
    left_position: null,
    revision,
    changed_position: position,
    notify: before?.notify ?? "all",
    muted_until: before?.muted_until ?? null,
    preferences_revision: before?.preferences_revision ?? revision,
    preferences_position: before?.preferences_position ?? position,
  };
}

function evolve(member: Member, event: Exclude<MemberEvent, { type: "MemberAdded" }>): void {
  const { revision, position } = event;
  switch (event.type) {
    case "MemberPreferencesChanged":
      member.notify = event.data.notify;
      member.muted_until = event.data.mutedUntil;
      member.preferences_revision = revision;
      member.preferences_position = position;
      return;
    case "MemberRoleChanged":
      member.role = event.data.role;
      break;
    case "MemberRemoved": {
      const last = member.intervals.at(-1);
      if (last) last[1] = event.data.lastSeq;
      member.present = false;
      member.left_at = timeOf(event);
      member.left_position = position;
      break;
    }
    default:
      event satisfies never;
  }
  member.revision = revision;
  member.changed_position = position;
}
