import type { Change, Conversation, Me, Member, Message, User } from "./contract.ts";
import { blanked } from "./message.ts";

/** How far someone has got: `0 ≤ read ≤ delivered`. They only rise. */
export interface Marks {
  readonly delivered: number;
  readonly read: number;
}

export interface HeldMember extends Member {
  readonly revision: number;
}

/** One conversation as this device holds it. */
export interface Held {
  /** Always current: what follows from messages, marks and preferences is kept up in it. */
  readonly conversation: Conversation;
  readonly preferencesRevision: number;
  /** When the last message came, or else the conversation: the log's position, and which of those that came with it. */
  readonly activity: { readonly position: number; readonly order: number };
  /** Those who left too, by `leftAt`. */
  readonly members: ReadonlyMap<string, HeldMember>;
  readonly messages: ReadonlyMap<string, Message>;
  /** Also of those who left: read them through the members. */
  readonly marks: ReadonlyMap<string, Marks>;
}

export interface HeldUser extends Omit<User, "username"> {
  readonly revision: number;
}

export interface ClientState {
  /** Whose device this is. */
  readonly userId: string;
  readonly me: Me | undefined;
  readonly users: ReadonlyMap<string, HeldUser>;
  readonly conversations: ReadonlyMap<string, Held>;
  /** Rises with each activity. */
  readonly activities: number;
}

export const emptyState = (userId: string): ClientState => ({
  userId,
  activities: 0,
  me: undefined,
  users: new Map(),
  conversations: new Map(),
});

/**
 * What the device holds after a change. Pure; applying a change twice is harmless (but for the unread numbers, which
 * the server sends anew at the end of each catch-up).
 */
export const apply = (state: ClientState, change: Change, position = 0): ClientState =>
  applyAll(state, [change], position);

/** As `apply`, one by one in order; copies what it touches once, not once a change. `position`: the frame's. */
export function applyAll(state: ClientState, changes: readonly Change[], position = 0): ClientState {
  const draft = draftOf(state);
  for (const change of changes) applyTo(draft, change, position);
  return finished(draft);
}

/** Takes in a page of history: it counts nothing as new. Unknown conversations are ignored. */
export function mergeHistory(state: ClientState, conversationId: string, messages: readonly Message[]): ClientState {
  const draft = draftOf(state);
  const held = touch(draft, conversationId);
  if (!held) return state;
  for (const message of messages) keep(draft, held, message);
  return finished(draft);
}

/** People looked up over HTTP, such as senders in a page of history; whatever the feed said of them counts more. */
export function mergeUsers(state: ClientState, found: readonly User[]): ClientState {
  const users = new Map(state.users);
  for (const { userId, displayName, avatar, erased } of found) {
    if (!users.has(userId)) users.set(userId, { userId, displayName, avatar, erased, revision: -1 });
  }
  return { ...state, users };
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

interface Draft extends Mutable<Pick<ClientState, "userId" | "me" | "activities">> {
  readonly users: Map<string, HeldUser>;
  readonly conversations: Map<string, Held>;
  readonly touched: Map<string, HeldDraft>;
}

interface HeldDraft extends Mutable<Pick<Held, "conversation" | "preferencesRevision" | "activity">> {
  readonly members: Map<string, HeldMember>;
  readonly messages: Map<string, Message>;
  readonly marks: Map<string, Marks>;
}

const draftOf = (state: ClientState): Draft => ({
  ...state,
  users: new Map(state.users),
  conversations: new Map(state.conversations),
  touched: new Map(),
});

function finished({ userId, me, users, conversations, activities, touched }: Draft): ClientState {
  for (const [conversationId, held] of touched) conversations.set(conversationId, { ...held });
  return { userId, me, users, conversations, activities };
}

function touch(draft: Draft, conversationId: string): HeldDraft | undefined {
  const before = draft.touched.get(conversationId);
  if (before) return before;
  const held = draft.conversations.get(conversationId);
  if (!held) return undefined;
  const copy: HeldDraft = {
    ...held,
    members: new Map(held.members),
    messages: new Map(held.messages),
    marks: new Map(held.marks),
  };
  draft.touched.set(conversationId, copy);
  return copy;
}

function applyTo(draft: Draft, change: Change, position: number): void {
  switch (change.op) {
    case "me":
      if (!draft.me || change.revision >= draft.me.revision) draft.me = change.me;
      break;
    case "user":
      applyUser(draft, change);
      break;
    case "left":
      draft.touched.delete(change.conversationId);
      draft.conversations.delete(change.conversationId);
      break;
    case "conversation":
      applyConversation(draft, change.conversation, position);
      break;
    default: {
      const held = touch(draft, change.conversationId);
      if (held) applyWithin(draft, held, change, position);
    }
  }
}

type Within = Exclude<Change, { op: "me" | "user" | "left" | "conversation" }>;

function applyWithin(draft: Draft, held: HeldDraft, change: Within, position: number): void {
  switch (change.op) {
    case "preferences": {
      const revision = change.revision ?? held.preferencesRevision;
      if (revision < held.preferencesRevision) break;
      held.preferencesRevision = revision;
      update(held, { notify: change.notify, mutedUntil: change.mutedUntil });
      break;
    }
    case "member":
      applyMember(draft, held, change.userId, { ...change.member, revision: change.revision });
      break;
    case "message":
      applyMessage(draft, held, change.message, position);
      break;
    case "receipt":
      raise(draft, held, change.userId, change);
      break;
    case "unread":
      update(held, { unread: change.unread, mentions: change.mentions });
  }
}

function update(held: HeldDraft, live: Partial<Conversation>): void {
  held.conversation = { ...held.conversation, ...live };
}

function applyUser(draft: Draft, { userId, displayName, avatar, erased, revision }: Change & { op: "user" }): void {
  const known = draft.users.get(userId);
  if (known && known.revision > revision) return;
  draft.users.set(userId, { userId, displayName, avatar, erased, revision });
  if (!erased || known?.erased) return;
  for (const conversationId of draft.conversations.keys()) {
    blankWhere(draft, conversationId, (message) => message.senderId === userId);
  }
}

function applyConversation(draft: Draft, conversation: Conversation, position: number): void {
  const { conversationId } = conversation;
  const known = touch(draft, conversationId);
  if (known && conversation.revision < known.conversation.revision) return;
  const held: HeldDraft = known ?? {
    conversation,
    preferencesRevision: -1,
    // A snapshot brings the most recent first.
    activity: { position, order: -++draft.activities },
    members: new Map(),
    messages: new Map(),
    marks: new Map(),
  };
  if (known) {
    if (conversation.lastSeq > known.conversation.lastSeq) held.activity = { position, order: ++draft.activities };
    held.conversation = { ...conversation, ...numbersKept(known.conversation, conversation) };
  } else {
    draft.touched.set(conversationId, held);
    draft.conversations.set(conversationId, held);
  }
  raise(draft, held, draft.userId, conversation);
  blankWhere(draft, conversationId, (message) => mustBeBlank(draft, conversation, message));
}

/**
 * What stays of a conversation's own numbers when it comes again. Its unread numbers count up to its `lastSeq`: where
 * that is behind the messages held, those held are newer; else they are the server's, and messages up to there add none.
 */
function numbersKept(held: Conversation, incoming: Conversation): Partial<Conversation> {
  const { read, delivered, notify, mutedUntil, lastSeq, lastMessage, unread, mentions } = held;
  const own = { read, delivered, notify, mutedUntil };
  if (incoming.lastSeq < lastSeq) return { ...own, lastSeq, lastMessage, unread, mentions };
  const isNewer = incoming.lastSeq > lastSeq || revisionOf(incoming.lastMessage) >= revisionOf(lastMessage);
  return isNewer ? own : { ...own, lastMessage };
}

/** No message is older than any, also than one of revision 0. */
const revisionOf = (message: Message | null): number => message?.revision ?? -1;

function applyMember(draft: Draft, held: HeldDraft, userId: string, member: HeldMember): void {
  const known = held.members.get(userId);
  if (known && known.revision > member.revision) return;
  held.members.set(userId, member);
  if (userId === draft.userId && member.leftAt === null) update(held, { role: member.role });
}

function applyMessage(draft: Draft, held: HeldDraft, incoming: Message, position: number): void {
  const { lastSeq, unread, mentions } = held.conversation;
  const { seq, senderId } = incoming;
  const mine = senderId === draft.userId;
  keep(draft, held, incoming);
  if (seq > lastSeq) {
    update(held, { lastSeq: seq });
    held.activity = { position, order: ++draft.activities };
    if (mine) update(held, { unread: 0, mentions: 0 });
    else if (!incoming.deleted) {
      update(held, { unread: unread + 1, mentions: mentions + (incoming.mentions.includes(draft.userId) ? 1 : 0) });
    }
  }
  const message = held.messages.get(incoming.messageId);
  if (message && seq === held.conversation.lastSeq) update(held, { lastMessage: message });
  raise(draft, held, senderId, { read: seq, delivered: seq });
}

function keep(draft: Draft, held: HeldDraft, message: Message): void {
  const known = held.messages.get(message.messageId);
  if (known && known.revision > message.revision) return;
  held.messages.set(
    message.messageId,
    mustBeBlank(draft, held.conversation, message) || known?.erased ? blanked(message) : message,
  );
}

function raise(draft: Draft, held: HeldDraft, userId: string, to: Marks): void {
  const before = held.marks.get(userId) ?? { delivered: 0, read: 0 };
  const read = Math.max(before.read, to.read);
  const marks = { read, delivered: Math.max(before.delivered, to.delivered, read) };
  held.marks.set(userId, marks);
  if (userId === draft.userId) update(held, marks);
}

const mustBeBlank = (draft: Draft, { expiredTo }: Conversation, { seq, senderId }: Message): boolean =>
  (expiredTo !== null && seq <= expiredTo) || draft.users.get(senderId)?.erased === true;

function blankWhere(draft: Draft, conversationId: string, isBlank: (message: Message) => boolean): void {
  const current = draft.touched.get(conversationId) ?? draft.conversations.get(conversationId);
  const last = current?.conversation.lastMessage;
  if (!current || !([...current.messages.values()].some(isBlank) || (last && isBlank(last)))) return;
  const held = touch(draft, conversationId);
  if (!held) return;
  for (const message of held.messages.values()) {
    if (isBlank(message)) held.messages.set(message.messageId, blanked(message));
  }
  if (last && isBlank(last)) update(held, { lastMessage: blanked(last) });
}
