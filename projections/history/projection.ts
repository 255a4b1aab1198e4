import type { Queryable } from "../../infra/ports/database.ts";
import type { Logged } from "../logged.ts";
import { projection } from "../projection.ts";
import { packSealed } from "../sealedPart.ts";
import { foldMentions } from "./mentions.ts";
import { foldReactions } from "./reactions.ts";

const handles = ["MessageSent", "MessageEdited", "MessageDeleted", "ReactionAdded", "ReactionRemoved"] as const;
export type HistoryEvent = Extract<Logged, { type: (typeof handles)[number] }>;
type Sent = Extract<HistoryEvent, { type: "MessageSent" }>;
type Edited = Extract<HistoryEvent, { type: "MessageEdited" }>;

/** What happened to one message in a run of events; applied to its row as one change. */
interface Amendment {
  readonly tenant: string;
  readonly conversation: string;
  readonly message_id: string;
  revision: number;
  changed_position: number;
  replies: number;
  /** Whether it was touched itself: a root that only got replies need not be there (an import may lack it). */
  itself: boolean;
  deleted: boolean;
  edited_at?: string;
  mentions?: readonly string[];
  has_link?: boolean;
  edit?: string | null;
}

/** Messages as they are now, their versions, reactions and mentions. */
export const history = projection({
  name: "history",
  version: 1,
  schema: new URL("./schema.sql", import.meta.url),
  streams: ["conversation"],
  handles,
  async project(events, tx, schema) {
    await insertMessages(events.filter(isSent), tx, schema);
    await amendMessages(amendments(events), tx, schema);
    await foldVersions(events, tx, schema);
    await foldReactions(events, tx, schema);
    await foldMentions(events, tx, schema);
  },
});

const isSent = (event: HistoryEvent): event is Sent => event.type === "MessageSent";

async function insertMessages(events: readonly Sent[], tx: Queryable, schema: string): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map((event) => {
    const { tenant, of, revision, position, data } = event;
    return {
      tenant,
      conversation: of,
      seq: data.seq,
      message_id: data.target,
      author: data.authorId,
      kind: data.kind,
      sent_at: data.sentAt,
      deleted: false,
      reply_to: data.replyTo,
      thread_root: data.threadRoot,
      thread_count: 0,
      mentions: data.mentions ?? [],
      has_link: data.hasLink ?? false,
      attachments: data.attachments ?? [],
      sent_revision: revision,
      revision,
      changed_position: position,
      sealed: packSealed(event),
    };
  });
  await tx.query(
    `insert into ${schema}.messages select * from json_populate_recordset(null::${schema}.messages, $1)`,
    [JSON.stringify(rows)],
    `${schema}-insert-messages`,
  );
}

function amendments(events: readonly HistoryEvent[]): Amendment[] {
  const amended = new Map<string, Amendment>();
  const amend = ({ tenant, of, revision, position }: Logged, message: string): Amendment => {
    const key = `${tenant}/${of}/${message}`;
    const there = amended.get(key) ?? {
      tenant,
      conversation: of,
      message_id: message,
      revision,
      changed_position: position,
      replies: 0,
      itself: false,
      deleted: false,
    };
    amended.set(key, Object.assign(there, { revision, changed_position: position }));
    return there;
  };
  for (const event of events)
    switch (event.type) {
      case "MessageSent":
        if (event.data.threadRoot) amend(event, event.data.threadRoot).replies++;
        break;
      case "MessageEdited":
        Object.assign(amend(event, event.data.target), {
          itself: true,
          edited_at: event.data.editedAt,
          mentions: event.data.mentions ?? [],
          has_link: event.data.hasLink ?? false,
          edit: packSealed(event),
        });
        break;
      case "MessageDeleted":
        Object.assign(amend(event, event.data.target), { itself: true, deleted: true });
        if (event.data.threadRoot) amend(event, event.data.threadRoot).replies--;
        break;
      case "ReactionAdded":
      case "ReactionRemoved":
        amend(event, event.data.target).itself = true;
        break;
      default:
        event satisfies never;
    }
  return [...amended.values()];
}

async function amendMessages(amended: readonly Amendment[], tx: Queryable, schema: string): Promise<void> {
  if (amended.length === 0) return;
  const { rows } = await tx.query<{ itself: boolean }>(
    `update ${schema}.messages m set revision = a.revision, changed_position = a.changed_position,
       thread_count = m.thread_count + a.replies, deleted = m.deleted or a.deleted,
       edited_at = case when m.deleted or a.deleted then null else coalesce(a.edited_at, m.edited_at) end,
       mentions = case when m.deleted or a.deleted then '{}' else coalesce(a.mentions, m.mentions) end,
       has_link = not (m.deleted or a.deleted) and coalesce(a.has_link, m.has_link),
       attachments = case when m.deleted or a.deleted then '[]' else m.attachments end,
       sealed = case when m.deleted or a.deleted then null else m.sealed end,
       edit = case when m.deleted or a.deleted then null else coalesce(a.edit, m.edit) end
     from json_to_recordset($1) as a(tenant text, conversation uuid, message_id uuid, revision bigint,
       changed_position bigint, replies integer, itself boolean, deleted boolean, edited_at timestamptz(3), mentions uuid[],
       has_link boolean, edit bytea)
     where m.tenant = a.tenant and m.conversation = a.conversation and m.message_id = a.message_id
     returning a.itself`,
    [JSON.stringify(amended)],
    `${schema}-amend-messages`,
  );
  const touched = (some: readonly { itself: boolean }[]) => some.filter(({ itself }) => itself).length;
  if (touched(rows) !== touched(amended)) throw new Error("an event is about a message that was never sent");
}

async function foldVersions(events: readonly HistoryEvent[], tx: Queryable, schema: string): Promise<void> {
  const edited = events.filter((event): event is Edited => event.type === "MessageEdited");
  const deleted = events.filter((event) => event.type === "MessageDeleted");
  if (edited.length > 0)
    await tx.query(
      `insert into ${schema}.versions select * from json_populate_recordset(null::${schema}.versions, $1)`,
      [
        JSON.stringify(
          edited.map((event) => ({
            tenant: event.tenant,
            conversation: event.of,
            seq: event.data.seq,
            revision: event.revision,
            edited_at: event.data.editedAt,
            sealed: packSealed(event),
          })),
        ),
      ],
      `${schema}-insert-versions`,
    );
  if (deleted.length > 0)
    await tx.query(
      `delete from ${schema}.versions v using json_to_recordset($1) as d(tenant text, conversation uuid, seq bigint)
       where v.tenant = d.tenant and v.conversation = d.conversation and v.seq = d.seq`,
      [JSON.stringify(deleted.map(({ tenant, of, data }) => ({ tenant, conversation: of, seq: data.seq })))],
      `${schema}-delete-versions`,
    );
}
