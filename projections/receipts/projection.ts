import { tenantId } from "../../domain/ids.ts";
import type { Logged } from "../logged.ts";
import { projection } from "../projection.ts";

interface Marks {
  readonly tenant: string;
  readonly conversation: string;
  readonly user_id: string;
  delivered: number;
  read: number;
  changed_position: number;
}

interface Raise extends Omit<Marks, "changed_position"> {
  readonly at: string;
}

const handles = ["MemberAdded", "MessageSent", "MarksRaised"] as const;
type ReceiptsEvent = Extract<Logged, { type: (typeof handles)[number] }>;

/** Marks that an event asks for, of one person. They are watermarks: the greater counts. */
interface Asked {
  readonly userId: string;
  readonly delivered: number;
  readonly read: number;
  /** Absent: when it was recorded. */
  readonly at?: string;
}

/** How far each member has received and read, and when. */
export const receipts = projection({
  name: "receipts",
  version: 1,
  schema: new URL("./schema.sql", import.meta.url),
  streams: ["conversation", "receipts"],
  handles,
  async project(events, tables, schema) {
    const keys = new Map<string, Pick<Marks, "tenant" | "conversation" | "user_id">>();
    for (const event of events)
      for (const { userId } of askedBy(event))
        keys.set(`${event.tenant}/${event.of}/${userId}`, {
          tenant: event.tenant,
          conversation: event.of,
          user_id: userId,
        });
    const { rows } = await tables.query<Marks>(
      `select m.* from json_to_recordset($1) as k(tenant text, conversation uuid, user_id uuid)
       join ${schema}.marks m using (tenant, conversation, user_id)`,
      [JSON.stringify([...keys.values()])],
      `${schema}-load`,
    );
    const folded = new Map(rows.map((row) => [`${row.tenant}/${row.conversation}/${row.user_id}`, row]));
    const raises: Raise[] = [];
    for (const event of events) for (const asked of askedBy(event)) raise(folded, raises, event, asked);

    tables.send(
      `insert into ${schema}.marks select * from json_populate_recordset(null::${schema}.marks, $1)
       on conflict (tenant, conversation, user_id) do update
         set delivered = excluded.delivered, read = excluded.read, changed_position = excluded.changed_position`,
      [JSON.stringify([...folded.values()])],
      `${schema}-save`,
    );
    if (raises.length > 0) await tables.insert("raises", raises);
  },
});

function askedBy(event: ReceiptsEvent): readonly Asked[] {
  switch (event.type) {
    case "MessageSent":
      // Scripta itself reads nothing; what it says in a person's name that person has read.
      if (event.data.kind === "system" && event.data.authorId === tenantId(event.tenant)) return [];
      return [{ userId: event.data.authorId, delivered: event.data.seq, read: event.data.seq }];
    case "MemberAdded":
      return [{ userId: event.data.userId, delivered: event.data.afterSeq, read: event.data.afterSeq }];
    case "MarksRaised":
      return event.data.marks;
    default:
      return event satisfies never;
  }
}

function raise(folded: Map<string, Marks>, raises: Raise[], event: ReceiptsEvent, asked: Asked): void {
  const { tenant, of: conversation, position } = event;
  const key = `${tenant}/${conversation}/${asked.userId}`;
  const place = { tenant, conversation, user_id: asked.userId };
  const marks = folded.get(key) ?? { ...place, delivered: -1, read: -1, changed_position: position };
  const before = marks.read;
  const read = Math.max(before, asked.read);
  const delivered = Math.max(marks.delivered, asked.delivered, read);
  const rose = read > before || delivered > marks.delivered;
  const told = event.type !== "MessageSent" && (rose || event.type === "MemberAdded");
  if (told) marks.changed_position = position;
  marks.read = read;
  marks.delivered = delivered;
  folded.set(key, marks);
  // One's own message is nothing to acknowledge: where it is all that was new to its author, no row tells when.
  const onlyItself = event.type === "MessageSent" && before >= read - 1;
  if (rose && !onlyItself)
    raises.push({ ...place, read, delivered, at: asked.at ?? new Date(event.recordedAt).toISOString() });
}
