import type { HistoryVisibility, Role } from "../../domain/conversation/events.ts";
import { streamId, tenantId } from "../../domain/ids.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import { decode, type Logged } from "../../projections/logged.ts";
import type { LogAt } from "./logAt.ts";
import { MessageWindow, type Page, type PageAsked } from "./messageWindow.ts";
import { isOfConversation, type OfConversation } from "./ofConversation.ts";
import { type SealedThen, sealedThen } from "./sealedThen.ts";

export interface MemberThen {
  readonly userId: string;
  /** `guest` where the account counted as guest everywhere. */
  readonly role: Role;
  readonly joinedAt: Date;
}

export interface MarksThen {
  readonly userId: string;
  readonly delivered: number;
  readonly read: number;
}

/** A conversation as it was, its content still sealed: what its read models held when they stood at that position. */
export interface ConversationThen extends Page {
  readonly tenant: string;
  readonly conversation: string;
  readonly at: LogAt;
  readonly kind: "direct" | "group";
  readonly historyVisibility: HistoryVisibility;
  readonly name: SealedThen;
  readonly description: SealedThen;
  readonly avatar: string | null;
  readonly lastSeq: number;
  /** Who was in it, in order of id. */
  readonly members: readonly MemberThen[];
  /** Of the same people. */
  readonly marks: readonly MarksThen[];
}

/** An event that a newer program wrote: what it makes of the conversation nobody here can say. */
export class UnreadableThen extends Error {
  override name = "UnreadableThen";
}

/**
 * Folds one conversation from the log alone, up to a position and no further. Undefined where there was none yet. It
 * reads the conversation from its beginning, and holds its members and one page of messages.
 * @throws UnreadableThen, LogUnavailable
 */
export async function conversationThen(
  log: EventLog,
  { tenant, conversationId }: { tenant: string; conversationId: string },
  at: LogAt,
  asked: PageAsked,
): Promise<ConversationThen | undefined> {
  const about = new About();
  const window = new MessageWindow(asked);
  const marks = new Map<string, MarksThen>();
  for await (const event of until(log, streamId(tenant, "conversation", conversationId), at)) {
    if (!isOfConversation(event)) continue;
    about.take(event);
    window.take(event);
    if (event.type === "MessageSent") raise(marks, { userId: event.data.authorId, read: event.data.seq, delivered: 0 });
    if (event.type === "MemberAdded")
      raise(marks, { userId: event.data.userId, read: event.data.afterSeq, delivered: 0 });
  }
  if (!about.kind) return undefined;
  for await (const event of until(log, streamId(tenant, "receipts", conversationId), at))
    if (event.type === "MarksRaised") for (const mark of event.data.marks) raise(marks, mark);
  const guests = new Set<string>();
  for await (const { type, data } of until(log, streamId(tenant, "tenant", tenantId(tenant)), at))
    if (type === "RolesChanged") guests[data.guest ? "add" : "delete"](data.userId);

  const members = [...about.members]
    .map(([userId, member]) => ({ userId, ...member, ...(guests.has(userId) ? { role: "guest" as const } : {}) }))
    .sort((one, other) => (one.userId < other.userId ? -1 : 1));
  return {
    tenant,
    conversation: conversationId,
    at,
    kind: about.kind,
    historyVisibility: about.historyVisibility,
    name: about.name,
    description: about.description,
    avatar: about.avatar,
    lastSeq: window.lastSeq,
    members,
    marks: members.flatMap(({ userId }) => marks.get(userId) ?? []),
    ...window.page(),
  };
}

/** What is said of a conversation as a whole, and who is in it. */
class About {
  kind: "direct" | "group" | undefined;
  historyVisibility: HistoryVisibility = "joined";
  name: SealedThen = null;
  description: SealedThen = null;
  avatar: string | null = null;
  readonly members = new Map<string, { role: Role; joinedAt: Date }>();

  take(event: OfConversation): void {
    switch (event.type) {
      case "ConversationCreated":
        this.kind = event.data.kind;
        this.historyVisibility = event.data.historyVisibility;
        return;
      case "ConversationRenamed":
        this.name = sealedThen(event);
        return;
      case "ConversationDescribed":
        this.description = sealedThen(event);
        return;
      case "ConversationNameRedacted":
        this.name = null;
        this.description = null;
        return;
      case "ConversationPictured":
        this.avatar = event.data.avatar;
        return;
      case "HistoryVisibilityChanged":
        this.historyVisibility = event.data.historyVisibility;
        return;
      case "MemberAdded":
        this.members.set(event.data.userId, { role: event.data.role, joinedAt: new Date(event.recordedAt) });
        return;
      case "MemberRoleChanged": {
        const member = this.members.get(event.data.userId);
        if (member) member.role = event.data.role;
        return;
      }
      case "MemberRemoved":
        this.members.delete(event.data.userId);
        return;
      case "MemberPreferencesChanged":
      case "MessageSent":
      case "MessageEdited":
      case "MessageDeleted":
      case "ReactionAdded":
      case "ReactionRemoved":
      case "AcknowledgementRequested":
      case "MessageAcknowledged":
      case "AcknowledgementFellDue":
      case "MessagesExpired":
        return;
      default:
        event satisfies never;
    }
  }
}

/** Watermarks: the greater counts, and what was read was delivered. */
function raise(marks: Map<string, MarksThen>, { userId, read, delivered }: MarksThen): void {
  const before = marks.get(userId);
  const now = Math.max(before?.read ?? 0, read);
  marks.set(userId, { userId, read: now, delivered: Math.max(before?.delivered ?? 0, delivered, now) });
}

async function* until(log: EventLog, stream: ReturnType<typeof streamId>, at: LogAt): AsyncIterable<Logged> {
  for await (const recorded of log.readStream(stream)) {
    if (recorded.position > at.position) return;
    const event = decode(recorded);
    if (event.type === "?") throw new UnreadableThen(`${stream} at position ${event.position}: ${event.why}`);
    yield event;
  }
}
