import { type Held, type Message, membersOf, nameOf, type ScriptaClient, type Status, titleOf } from "../sdk/index.ts";
import type { Line } from "./lineEditor.ts";
import type { Shown, ShownAsking, ShownMessage, Tick } from "./screen.ts";

/** What is particular to this screen; all else is the client's. */
export interface Looking {
  readonly open: string | undefined;
  /** The first message that was unread when the conversation was opened. */
  readonly unreadFromSeq: number | undefined;
  readonly notice: readonly string[];
  readonly scroll: number;
  readonly input: Line;
}

/** The screen's content, from what this device holds. */
export function look(client: ScriptaClient, looking: Looking): Shown {
  const { state } = client;
  const held = looking.open === undefined ? undefined : client.conversation(looking.open);
  return {
    me: nameOf(state, client.userId),
    status: statusText(client.status, client.unanswered),
    live: client.status.status === "live",
    conversations: client.inbox().map((each) => ({
      title: titleOf(state, each),
      unread: each.conversation.unread,
      mentions: each.conversation.mentions,
      open: each.conversation.conversationId === looking.open,
    })),
    title: held && titleOf(state, held),
    messages: held ? shownMessages(client, held) : [],
    unreadFromSeq: looking.unreadFromSeq,
    typing: looking.open === undefined ? [] : client.typing(looking.open).map((userId) => nameOf(state, userId)),
    notice: looking.notice,
    scroll: looking.scroll,
    input: looking.input,
  };
}

export function statusText(status: Status, unanswered: number): string {
  const waiting = unanswered > 0 ? `, ${unanswered} to send` : "";
  switch (status.status) {
    case "live":
      return `live${waiting}`;
    case "waiting":
      return `offline, again in ${Math.ceil(status.forMs / 1000)} s${waiting}`;
    case "stopped":
      return `stopped: ${status.why}`;
    default:
      return `${status.status}${waiting}`;
  }
}

function shownMessages(client: ScriptaClient, held: Held): ShownMessage[] {
  const { conversationId } = held.conversation;
  const sent = client.messages(conversationId).map((message) => shownMessage(client, held, message));
  const waiting = client.pending(conversationId).map(
    ({ messageId, text, replyTo }): ShownMessage => ({
      seq: undefined,
      time: "     ",
      userId: client.userId,
      name: nameOf(client.state, client.userId),
      text,
      tick: "waiting",
      edited: false,
      erased: false,
      replyToSeq: replyTo === undefined ? undefined : held.messages.get(replyTo)?.seq,
      attachments: [],
      reactions: [],
      asks: undefined,
      key: messageId,
    }),
  );
  return [...sent, ...waiting];
}

function shownMessage(client: ScriptaClient, held: Held, message: Message): ShownMessage {
  const { seq, senderId, replyTo, threadRoot, deleted, erased, text, kind } = message;
  const answered = replyTo ?? threadRoot;
  return {
    seq,
    time: clockTime(message.sentAt),
    userId: senderId,
    name: nameOf(client.state, senderId),
    text: kind === "encrypted" && !deleted ? "(end-to-end encrypted)" : deleted ? null : (text ?? ""),
    tick: senderId === client.userId && !deleted ? tickOf(held, client.userId, seq) : undefined,
    edited: message.editedAt !== null,
    erased,
    replyToSeq: answered === null ? undefined : held.messages.get(answered)?.seq,
    attachments: message.attachments.map(({ name }) => name ?? "(no name)"),
    reactions: message.reactions,
    asks: deleted ? undefined : askingOf(client, held, message),
    key: message.messageId,
  };
}

/** Who is asked: members since it was sent, without its sender. The first 50 who acknowledged it come with a message. */
function askingOf(client: ScriptaClient, held: Held, message: Message): ShownAsking | undefined {
  const { acknowledgement: asked, senderId, sentAt } = message;
  if (!asked) return undefined;
  const did = new Set(asked.acknowledged.map(({ userId }) => userId));
  const members = membersOf(held);
  const isAllHeld = members.length === held.conversation.memberCount && asked.count === did.size;
  const missing = members.filter(
    ({ userId, joinedAt }) => userId !== senderId && !did.has(userId) && (joinedAt === null || joinedAt <= sentAt),
  );
  return {
    by: clockTime(asked.ackBy),
    count: asked.count,
    missing: isAllHeld ? missing.map(({ userId }) => nameOf(client.state, userId)) : undefined,
    me: missing.some(({ userId }) => userId === client.userId),
  };
}

/** By the slowest of the others: delivered to all, read by all. Of large groups nothing is known. */
function tickOf(held: Held, me: string, seq: number): Tick {
  const others = membersOf(held).filter(({ userId }) => userId !== me);
  const all = (mark: "delivered" | "read") =>
    others.length > 0 && others.every(({ userId }) => (held.marks.get(userId)?.[mark] ?? 0) >= seq);
  return all("read") ? "read" : all("delivered") ? "delivered" : "sent";
}

export function clockTime(time: string): string {
  const at = new Date(time);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}
