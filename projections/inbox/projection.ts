import { conversationEvents, type HistoryVisibility } from "../../domain/conversation/events.ts";
import type { Logged } from "../logged.ts";
import { projection, type Tables } from "../projection.ts";
import { packSealed } from "../sealedPart.ts";

interface Conversation {
  readonly tenant: string;
  readonly conversation: string;
  kind: "direct" | "group";
  history_visibility: HistoryVisibility;
  narrowed_position: number;
  name: string | null;
  description: string | null;
  avatar: string | null;
  peers: string[];
  member_count: number;
  revision: number;
  changed_position: number;
  expired_to: number | null;
}

interface Head {
  readonly tenant: string;
  readonly conversation: string;
  position: number;
  last_seq: number;
  activity_position: number;
}

const ofTheConversation = [
  "ConversationCreated",
  "ConversationRenamed",
  "ConversationDescribed",
  "ConversationNameRedacted",
  "ConversationPictured",
  "HistoryVisibilityChanged",
  "MemberAdded",
  "MemberRemoved",
  "MessagesExpired",
] as const;
/** All but what only one member is told of. */
const handles = [
  ...conversationEvents.map(({ type }) => type).filter((type) => type !== "MemberPreferencesChanged"),
  "MarksRaised" as const,
];
type InboxEvent = Extract<Logged, { type: (typeof handles)[number] }>;
type ConversationEvent = Extract<Logged, { type: (typeof ofTheConversation)[number] }>;

/** What stands at the top of a conversation, and how far each has moved. */
export const inbox = projection({
  name: "inbox",
  version: 2,
  schema: new URL("./schema.sql", import.meta.url),
  streams: ["conversation", "receipts"],
  handles,
  async project(events, tables, schema) {
    await raiseHeads(events, tables, schema);
    await foldConversations(events.filter(isOfTheConversation), tables, schema);
  },
});

const typesOfTheConversation: ReadonlySet<string> = new Set(ofTheConversation);
const isOfTheConversation = (event: InboxEvent): event is ConversationEvent => typesOfTheConversation.has(event.type);

async function raiseHeads(events: readonly InboxEvent[], tables: Tables, schema: string): Promise<void> {
  const heads = new Map<string, Head>();
  for (const event of events) {
    const { tenant, of: conversation, position } = event;
    const key = `${tenant}/${conversation}`;
    const head = heads.get(key) ?? { tenant, conversation, position, last_seq: 0, activity_position: 0 };
    heads.set(key, head);
    head.position = position;
    if (event.type === "MessageSent") head.last_seq = event.data.seq;
    if (event.type === "MessageSent" || event.type === "ConversationCreated") head.activity_position = position;
  }
  tables.send(
    `insert into ${schema}.conv_head as h
     select * from json_populate_recordset(null::${schema}.conv_head, $1)
     on conflict (tenant, conversation) do update set position = excluded.position,
       last_seq = greatest(h.last_seq, excluded.last_seq),
       activity_position = greatest(h.activity_position, excluded.activity_position)`,
    [JSON.stringify([...heads.values()])],
    `${schema}-raise-heads`,
  );
}

async function foldConversations(events: readonly ConversationEvent[], tables: Tables, schema: string): Promise<void> {
  if (events.length === 0) return;
  const keyOf = ({ tenant, of }: Logged) => `${tenant}/${of}`;
  const keys = new Map(events.map((event) => [keyOf(event), { tenant: event.tenant, conversation: event.of }]));
  const { rows } = await tables.query<Conversation>(
    `select c.tenant, conversation, kind, history_visibility, narrowed_position, name::text, description::text, avatar,
       peers, member_count, revision, changed_position, expired_to
     from json_to_recordset($1) as k(tenant text, conversation uuid)
     join ${schema}.conversations c using (tenant, conversation)`,
    [JSON.stringify([...keys.values()])],
    `${schema}-load-conversations`,
  );
  const folded = new Map(rows.map((row) => [`${row.tenant}/${row.conversation}`, row]));
  for (const event of events) {
    const key = keyOf(event);
    const conversation = folded.get(key);
    if (event.type === "ConversationCreated") folded.set(key, created(event));
    else if (conversation) evolve(conversation, event);
    else throw new Error(`${event.type} before its conversation was created, in ${event.stream}`);
  }
  tables.send(
    `insert into ${schema}.conversations
     select * from json_populate_recordset(null::${schema}.conversations, $1)
     on conflict (tenant, conversation) do update set history_visibility = excluded.history_visibility,
       narrowed_position = excluded.narrowed_position, name = excluded.name, description = excluded.description,
       avatar = excluded.avatar, peers = excluded.peers, member_count = excluded.member_count,
       revision = excluded.revision, changed_position = excluded.changed_position,
       expired_to = excluded.expired_to`,
    [JSON.stringify([...folded.values()])],
    `${schema}-save-conversations`,
  );
}

const created = ({
  tenant,
  of,
  revision,
  position,
  data,
}: Extract<Logged, { type: "ConversationCreated" }>): Conversation => ({
  tenant,
  conversation: of,
  kind: data.kind,
  history_visibility: data.historyVisibility,
  narrowed_position: position,
  name: null,
  description: null,
  avatar: null,
  peers: [],
  member_count: 0,
  revision,
  changed_position: position,
  expired_to: null,
});

function evolve(conversation: Conversation, event: Exclude<ConversationEvent, { type: "ConversationCreated" }>): void {
  conversation.revision = event.revision;
  conversation.changed_position = event.position;
  switch (event.type) {
    case "ConversationRenamed":
      conversation.name = packSealed(event);
      break;
    case "ConversationDescribed":
      conversation.description = packSealed(event);
      break;
    case "ConversationNameRedacted":
      conversation.name = null;
      conversation.description = null;
      break;
    case "ConversationPictured":
      conversation.avatar = event.data.avatar;
      break;
    case "HistoryVisibilityChanged":
      if (event.data.historyVisibility === "joined" && conversation.history_visibility !== "joined")
        conversation.narrowed_position = event.position;
      conversation.history_visibility = event.data.historyVisibility;
      break;
    case "MemberAdded":
      conversation.member_count++;
      if (conversation.kind === "direct") conversation.peers.push(event.data.userId);
      break;
    case "MemberRemoved":
      conversation.member_count--;
      break;
    case "MessagesExpired":
      conversation.expired_to = Math.max(conversation.expired_to ?? 0, event.data.expiredTo) || null;
      break;
    default:
      event satisfies never;
  }
}
