import { z } from "zod";
import type { Attempt, History, LogEntry } from "./history.ts";

interface Version {
  readonly revision: number;
  readonly commandId: string;
  /** An edit or the original; a deletion has no text, all else leaves it. */
  readonly kind: "text" | "deleted" | "touched";
}

export interface LoggedMessage {
  readonly messageId: string;
  readonly seq: number;
  readonly authorId: string;
  readonly position: number;
  /** Ascending by revision. */
  readonly versions: Version[];
}

interface Membership {
  readonly from: number;
  /** Position of the removal; Infinity while there is none. */
  to: number;
}

/** One conversation as the log alone tells of it. */
export interface LoggedConversation {
  readonly messages: Map<string, LoggedMessage>;
  /** In order of the log. */
  readonly inOrder: LoggedMessage[];
  readonly members: Map<string, Membership[]>;
  /** Up to where each person has read, by seq. */
  readonly read: Map<string, number>;
}

/** The log and what was asked, by what the rules look things up by. */
export interface Facts {
  readonly history: History;
  readonly conversations: ReadonlyMap<string, LoggedConversation>;
  /** First events of commands. One that is there twice is a violation. */
  readonly recorded: ReadonlyMap<string, readonly LogEntry[]>;
  readonly attempts: ReadonlyMap<string, readonly Attempt[]>;
  conversation(conversationId: string): LoggedConversation;
  isMemberAt(conversationId: string, userId: string, position: number): boolean;
}

const NOTHING: LoggedConversation = { messages: new Map(), inOrder: [], members: new Map(), read: new Map() };

export const conversationIdOf = (stream: string): string | undefined => /\/conversation-(.*)$/.exec(stream)?.[1];

export function factsOf(history: History): Facts {
  const conversations = new Map<string, LoggedConversation>();
  for (const entry of history.log) {
    const id = conversationIdOf(entry.stream) ?? /\/receipts-(.*)$/.exec(entry.stream)?.[1];
    if (id === undefined) continue;
    const known = conversations.get(id) ?? { messages: new Map(), inOrder: [], members: new Map(), read: new Map() };
    conversations.set(id, known);
    take(known, entry);
  }
  const first = history.log.filter(({ ordinal }) => ordinal === 0);
  const keyed = history.attempts.filter(({ commandId }) => commandId !== null);
  const conversation = (id: string) => conversations.get(id) ?? NOTHING;
  return {
    history,
    conversations,
    recorded: Map.groupBy(first, ({ commandId }) => commandId),
    attempts: Map.groupBy(keyed, ({ commandId }) => commandId ?? ""),
    conversation,
    isMemberAt: (id, userId, position) =>
      (conversation(id).members.get(userId) ?? []).some(({ from, to }) => from <= position && position < to),
  };
}

const Marks = z.array(z.object({ userId: z.string(), read: z.number() }));

/** Whoever comes has read what was there before, whoever writes what came before it. */
function readUpTo({ read }: LoggedConversation, userId: string, seq: number): void {
  read.set(userId, Math.max(read.get(userId) ?? 0, seq));
}

const KINDS: Readonly<Record<string, Version["kind"]>> = {
  MessageEdited: "text",
  MessageDeleted: "deleted",
  ReactionAdded: "touched",
  ReactionRemoved: "touched",
};

function take(known: LoggedConversation, { type, data, position, revision, commandId }: LogEntry): void {
  const userId = String(data.userId);
  if (type === "MemberAdded") {
    const before = known.members.get(userId) ?? [];
    known.members.set(userId, [...before, { from: position, to: Number.POSITIVE_INFINITY }]);
    readUpTo(known, userId, Number(data.afterSeq));
  } else if (type === "MemberRemoved") {
    const last = known.members.get(userId)?.at(-1);
    if (last) last.to = position;
  } else if (type === "MessageSent") {
    const messageId = String(data.target);
    const version = { revision, commandId, kind: "text" } as const;
    const message = {
      messageId,
      seq: Number(data.seq),
      authorId: String(data.authorId),
      position,
      versions: [version],
    };
    known.messages.set(messageId, message);
    known.inOrder.push(message);
    readUpTo(known, message.authorId, message.seq);
  } else if (type === "MarksRaised") {
    for (const { userId, read } of Marks.parse(data.marks)) readUpTo(known, userId, read);
  } else {
    const kind = KINDS[type];
    if (kind) known.messages.get(String(data.target))?.versions.push({ revision, commandId, kind });
  }
}
