import type { Logged, Unreadable } from "../projections/logged.ts";
import type { Audience } from "./audience.ts";
import type { Sent } from "./changeSource.ts";

/** What a batch of the log did to one conversation, as far as somebody connected here must be told. */
export interface Touched {
  readonly tenant: string;
  readonly conversationId: string;
  /** The last position of it. */
  position: number;
  /** New with this batch, in order. */
  readonly sent: Sent[];
  /** Ids of messages, new ones too, that something else has touched: they are read back. */
  readonly amended: Set<string>;
  readonly members: Set<string>;
  readonly receipts: Set<string>;
  readonly preferences: Set<string>;
  /** Its own fields changed, or its number of members. */
  conversation: boolean;
  historyVisibility: boolean;
  /** Everyone's numbers may have changed: a deletion, other mentions. */
  unreadOfAll: boolean;
  /** Whose own marks rose. */
  readonly unreadOf: Set<string>;
  /** Connected people who came or went: the last counts. Who went and came has returned, and drops what was before. */
  readonly came: Map<string, "joined" | "left" | "returned">;
}

export interface TouchedUsers {
  /** Whose profile others see anew. */
  readonly profiles: Map<string, { tenant: string; userId: string; position: number }>;
  /** Who has a new `me`. */
  readonly me: Map<string, { tenant: string; userId: string; position: number }>;
  /** Whose account may have come to count as guest, or no longer does. */
  readonly standings: Map<string, { tenant: string; userId: string; position: number }>;
}

/** Sorts a batch by conversation, and has the audience follow it. */
export function sortBatch(
  events: readonly (Logged | Unreadable)[],
  audience: Audience,
): { readonly conversations: Touched[]; readonly users: TouchedUsers } {
  const conversations = new Map<string, Touched>();
  const users: TouchedUsers = { profiles: new Map(), me: new Map(), standings: new Map() };
  for (const event of events) {
    if (event.type === "?") continue;
    const { tenant, kind, of, position } = event;
    if (kind === "user") touchUser(event, users);
    else if (event.type === "RolesChanged") {
      const { userId } = event.data;
      for (const told of [users.me, users.standings]) told.set(`${tenant}/${userId}`, { tenant, userId, position });
    }
    if (kind !== "conversation" && kind !== "receipts") continue;
    const moved = audience.fold(event);
    const came = moved.joined ?? moved.left;
    if (came === undefined && audience.isEmpty(tenant, of)) continue;
    const name = `${tenant}/${of}`;
    const touched = conversations.get(name) ?? untouched(tenant, of);
    conversations.set(name, touched);
    touched.position = position;
    if (came !== undefined) touched.came.set(came, cameHow(moved.joined !== undefined, touched.came.get(came)));
    touch(touched, event);
  }
  return { conversations: [...conversations.values()], users };
}

const cameHow = (joined: boolean, before: "joined" | "left" | "returned" | undefined) =>
  joined ? (before === undefined ? "joined" : "returned") : "left";

const untouched = (tenant: string, conversationId: string): Touched => ({
  tenant,
  conversationId,
  position: 0,
  sent: [],
  amended: new Set(),
  members: new Set(),
  receipts: new Set(),
  preferences: new Set(),
  conversation: false,
  historyVisibility: false,
  unreadOfAll: false,
  unreadOf: new Set(),
  came: new Map(),
});

function touch(touched: Touched, event: Logged): void {
  switch (event.type) {
    case "MessageSent": {
      const { threadRoot } = event.data;
      touched.sent.push(event);
      if (threadRoot) touched.amended.add(threadRoot);
      break;
    }
    case "MessageDeleted":
      touched.amended.add(event.data.target);
      touched.unreadOfAll = true;
      if (event.data.threadRoot) touched.amended.add(event.data.threadRoot);
      break;
    case "MessageEdited":
      touched.amended.add(event.data.target);
      touched.unreadOfAll = true;
      break;
    case "ReactionAdded":
    case "ReactionRemoved":
    case "AcknowledgementRequested":
    case "MessageAcknowledged":
      touched.amended.add(event.data.target);
      break;
    case "AcknowledgementFellDue":
      touched.amended.add(event.data.target);
      if (event.data.notice) touched.amended.add(event.data.notice);
      break;
    case "MemberAdded":
    case "MemberRemoved":
      touched.conversation = true;
      touched.members.add(event.data.userId);
      if (event.type === "MemberAdded") touched.receipts.add(event.data.userId);
      break;
    case "MemberRoleChanged":
      touched.members.add(event.data.userId);
      touched.conversation = true;
      break;
    case "MemberPreferencesChanged":
      touched.preferences.add(event.data.userId);
      break;
    case "MarksRaised":
      for (const { userId, read } of event.data.marks) {
        touched.receipts.add(userId);
        if (read > 0) touched.unreadOf.add(userId);
      }
      break;
    case "HistoryVisibilityChanged":
      touched.historyVisibility = true;
      touched.conversation = true;
      break;
    case "ConversationCreated":
    case "ConversationRenamed":
    case "ConversationDescribed":
    case "ConversationNameRedacted":
    case "ConversationPictured":
    case "MessagesExpired":
      touched.conversation = true;
      break;
    default:
      break;
  }
}

function touchUser(event: Logged, users: TouchedUsers): void {
  const { tenant, of: userId, position } = event;
  const person = { tenant, userId, position };
  if (event.type === "ProfileChanged" || event.type === "UserErased") users.profiles.set(`${tenant}/${userId}`, person);
  if (event.type === "ProfileChanged" || event.type === "PreferencesChanged")
    users.me.set(`${tenant}/${userId}`, person);
}
