import type { Logged } from "../logged.ts";
import { projection, type Tables } from "../projection.ts";
import { packSealed } from "../sealedPart.ts";
import { foldAcknowledgements } from "./acknowledgements.ts";
import { type HistoryEvent, historyEvents } from "./historyEvent.ts";
import { foldMentions } from "./mentions.ts";
import { foldReactions } from "./reactions.ts";

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
  ack_by?: string;
  escalate_to?: readonly string[];
  ack_open?: boolean;
  overdue?: readonly string[];
}

/** Messages as they are now, their versions, reactions, mentions and acknowledgements. */
export const history = projection({
  name: "history",
  version: 1,
  schema: new URL("./schema.sql", import.meta.url),
  streams: ["conversation"],
  handles: historyEvents,
  async project(events, tables, schema) {
    const sent = new Map<string, Message>();
    for (const event of events.filter(isSent)) {
      const key = keyOf(event, event.data.target);
      if (sent.has(key)) throw new Error(`${event.data.target} was sent twice`);
      sent.set(key, messageOf(event));
    }
    const others: Amendment[] = [];
    for (const [key, amendment] of amendments(events)) {
      const message = sent.get(key);
      if (message) amend(message, amendment);
      else others.push(amendment);
    }
    if (sent.size > 0) await tables.insert("messages", [...sent.values()]);
    await amendMessages(others, tables, schema);
    await foldVersions(events, tables, schema);
    await foldReactions(events, tables, schema);
    await foldMentions(events, tables, schema);
    await foldAcknowledgements(events, tables, schema);
  },
});

const isSent = (event: HistoryEvent): event is Sent => event.type === "MessageSent";

const keyOf = ({ tenant, of }: Logged, message: string) => `${tenant}/${of}/${message}`;

/** What of a row that is not written yet later events of the batch may change. */
interface Message extends Pick<Amendment, "revision" | "changed_position" | "deleted"> {
  thread_count: number;
  edited_at: string | null;
  edit: string | null;
  mentions: readonly string[];
  has_link: boolean;
  ack_by: string | null;
  escalate_to: readonly string[] | null;
  ack_open: boolean | null;
  overdue: readonly string[] | null;
}

function messageOf(event: Sent): Message {
  const { tenant, of, revision, position, data } = event;
  const row = {
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
    has_link: data.hasLink ?? false,
    attachments: data.attachments ?? [],
    sent_revision: revision,
    revision,
    changed_position: position,
    sealed: packSealed(event),
    edited_at: null,
    edit: null,
    mentions: data.mentions ?? [],
    ack_by: null,
    escalate_to: null,
    ack_open: null,
    overdue: null,
  };
  return row;
}

function amendments(events: readonly HistoryEvent[]): Map<string, Amendment> {
  const amended = new Map<string, Amendment>();
  const about = (event: Logged, message: string): Amendment => {
    const key = keyOf(event, message);
    const { tenant, of, revision, position } = event;
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
        if (event.data.threadRoot) about(event, event.data.threadRoot).replies++;
        break;
      case "MessageEdited":
        Object.assign(about(event, event.data.target), {
          itself: true,
          edited_at: event.data.editedAt,
          mentions: event.data.mentions ?? [],
          has_link: event.data.hasLink ?? false,
          edit: packSealed(event),
        });
        break;
      case "MessageDeleted":
        Object.assign(about(event, event.data.target), { itself: true, deleted: true });
        if (event.data.threadRoot) about(event, event.data.threadRoot).replies--;
        break;
      case "ReactionAdded":
      case "ReactionRemoved":
      case "MessageAcknowledged":
        about(event, event.data.target).itself = true;
        break;
      case "AcknowledgementRequested": {
        const { target, ackBy, escalateTo } = event.data;
        const asked = { ack_by: ackBy, escalate_to: escalateTo, ack_open: true };
        Object.assign(about(event, target), { itself: true, ...asked });
        break;
      }
      case "AcknowledgementFellDue": {
        const { target, notice, missing } = event.data;
        Object.assign(about(event, target), { itself: true, ack_open: false });
        if (notice) Object.assign(about(event, notice), { itself: true, overdue: missing });
        break;
      }
      default:
        event satisfies never;
    }
  return amended;
}

/** The same change as `amendMessages` makes, of a row that is not written yet. */
function amend(message: Message, amendment: Amendment): void {
  const { revision, changed_position } = amendment;
  Object.assign(message, { revision, changed_position });
  message.thread_count += amendment.replies;
  message.deleted ||= amendment.deleted;
  if (message.deleted)
    Object.assign(message, {
      edited_at: null,
      mentions: [],
      has_link: false,
      attachments: [],
      sealed: null,
      edit: null,
      ack_by: null,
      escalate_to: null,
      ack_open: null,
      overdue: null,
    });
  else {
    message.edited_at = amendment.edited_at ?? message.edited_at;
    message.mentions = amendment.mentions ?? message.mentions;
    message.has_link = amendment.has_link ?? message.has_link;
    message.edit = amendment.edit ?? message.edit;
    message.ack_by = amendment.ack_by ?? message.ack_by;
    message.escalate_to = amendment.escalate_to ?? message.escalate_to;
    message.ack_open = amendment.ack_open ?? message.ack_open;
    message.overdue = amendment.overdue ?? message.overdue;
  }
}

async function amendMessages(amended: readonly Amendment[], tables: Tables, schema: string): Promise<void> {
  if (amended.length === 0) return;
  const { rows } = await tables.query<{ itself: boolean }>(
    `update ${schema}.messages m set revision = a.revision, changed_position = a.changed_position,
       thread_count = m.thread_count + a.replies, deleted = m.deleted or a.deleted,
       edited_at = case when m.deleted or a.deleted then null else coalesce(a.edited_at, m.edited_at) end,
       mentions = case when m.deleted or a.deleted then '{}' else coalesce(a.mentions, m.mentions) end,
       has_link = not (m.deleted or a.deleted) and coalesce(a.has_link, m.has_link),
       attachments = case when m.deleted or a.deleted then '[]' else m.attachments end,
       sealed = case when m.deleted or a.deleted then null else m.sealed end,
       edit = case when m.deleted or a.deleted then null else coalesce(a.edit, m.edit) end,
       ack_by = case when m.deleted or a.deleted then null else coalesce(a.ack_by, m.ack_by) end,
       escalate_to = case when m.deleted or a.deleted then null else coalesce(a.escalate_to, m.escalate_to) end,
       ack_open = case when m.deleted or a.deleted then null else coalesce(a.ack_open, m.ack_open) end,
       overdue = case when m.deleted or a.deleted then null else coalesce(a.overdue, m.overdue) end
     from json_to_recordset($1) as a(tenant text, conversation uuid, message_id uuid, revision bigint,
       changed_position bigint, replies integer, itself boolean, deleted boolean, edited_at timestamptz(3), mentions uuid[],
       has_link boolean, edit bytea, ack_by timestamptz(3), escalate_to uuid[], ack_open boolean, overdue uuid[])
     where m.tenant = a.tenant and m.conversation = a.conversation and m.message_id = a.message_id
     returning a.itself`,
    [JSON.stringify(amended)],
    `${schema}-amend-messages`,
  );
  const touched = (some: readonly { itself: boolean }[]) => some.filter(({ itself }) => itself).length;
  if (touched(rows) !== touched(amended)) throw new Error("an event is about a message that was never sent");
}

async function foldVersions(events: readonly HistoryEvent[], tables: Tables, schema: string): Promise<void> {
  const edited = events.filter((event): event is Edited => event.type === "MessageEdited");
  const deleted = events.filter((event) => event.type === "MessageDeleted");
  if (edited.length > 0)
    await tables.insert(
      "versions",
      edited.map((event) => ({
        tenant: event.tenant,
        conversation: event.of,
        seq: event.data.seq,
        revision: event.revision,
        edited_at: event.data.editedAt,
        sealed: packSealed(event),
      })),
    );
  if (deleted.length > 0)
    tables.send(
      `delete from ${schema}.versions v using json_to_recordset($1) as d(tenant text, conversation uuid, seq bigint)
       where v.tenant = d.tenant and v.conversation = d.conversation and v.seq = d.seq`,
      [JSON.stringify(deleted.map(({ tenant, of, data }) => ({ tenant, conversation: of, seq: data.seq })))],
      `${schema}-delete-versions`,
    );
}
