import type { MessageRow, ReactionRow } from "../../projections/history/queries.ts";
import type { OfConversation } from "./ofConversation.ts";
import { sealedThen } from "./sealedThen.ts";

/** A page of messages by their seq, as everywhere: before or after one (exclusive), around one, else the last ones. */
export interface PageAsked {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly around?: number | undefined;
  readonly limit: number;
}

type Sent = Extract<OfConversation, { type: "MessageSent" }>;
type Written<Of> = { -readonly [Field in keyof Of]: Of[Field] };

/** A message as it was, with the event that took it away, where one had. */
export interface MessageThen extends Omit<MessageRow, "attachments"> {
  readonly attachments: NonNullable<Sent["data"]["attachments"]>;
  readonly deletedPosition: number | null;
  readonly acknowledged: { readonly userId: string; readonly at: Date }[];
}

interface Kept extends Written<MessageThen> {
  /** By who and what; in the order in which they were given. */
  readonly given: Map<string, ReactionRow>;
}

export interface Page {
  /** By ascending seq. */
  readonly messages: readonly MessageThen[];
  /** Of these messages, in the order in which they were given. */
  readonly reactions: readonly ReactionRow[];
  readonly more: { readonly before: boolean; readonly after: boolean };
}

/**
 * The messages of one page, folded from a conversation's events in order. Whatever the conversation's size, it holds no
 * more than two pages.
 */
export class MessageWindow {
  readonly #asked: PageAsked;
  readonly #messages = new Map<number, Kept>();
  readonly #seqs = new Map<string, number>();
  /** Those before the page's middle: only the last of them are kept. */
  readonly #earlier: number[] = [];
  #later = 0;
  #lastSeq = 0;

  constructor(asked: PageAsked) {
    this.#asked = asked;
  }

  take(event: OfConversation): void {
    switch (event.type) {
      case "MessageSent": {
        this.#lastSeq = event.data.seq;
        this.#replied(event.data.threadRoot, event.revision, 1);
        if (this.#wants(event.data.seq)) this.#keep(sent(event));
        return;
      }
      case "MessageEdited":
        return this.#change(event.data.seq, event.revision, (message) => {
          message.editedAt = new Date(event.data.editedAt);
          message.mentions = event.data.mentions ?? [];
          message.edit = sealedThen(event);
        });
      case "MessageDeleted":
        this.#replied(event.data.threadRoot, event.revision, -1);
        return this.#change(event.data.seq, event.revision, (message) => {
          Object.assign(message, { deleted: true, deletedPosition: event.position });
          Object.assign(message, { editedAt: null, mentions: [], attachments: [], sealed: null, edit: null });
          Object.assign(message, { ackBy: null, escalateTo: null, overdue: null, acknowledged: [] });
          message.given.clear();
        });
      case "ReactionAdded":
      case "ReactionRemoved": {
        const { emoji, userId, seq } = event.data;
        return this.#change(seq, event.revision, ({ given }) => {
          given.delete(`${userId} ${emoji}`);
          if (event.type === "ReactionAdded")
            given.set(`${userId} ${emoji}`, { conversation: event.of, seq, emoji, userId });
        });
      }
      case "AcknowledgementRequested": {
        const { seq, ackBy, escalateTo } = event.data;
        return this.#change(seq, event.revision, (message) => {
          Object.assign(message, { ackBy: new Date(ackBy), escalateTo });
        });
      }
      case "MessageAcknowledged": {
        const { seq, userId, at } = event.data;
        return this.#change(seq, event.revision, ({ acknowledged }) => {
          acknowledged.push({ userId, at: new Date(at) });
        });
      }
      case "AcknowledgementFellDue": {
        const { seq, notice, missing } = event.data;
        this.#change(seq, event.revision, () => {});
        const told = notice === undefined ? undefined : this.#seqs.get(notice);
        if (told !== undefined)
          this.#change(told, event.revision, (message) => {
            message.overdue = missing;
          });
        return;
      }
      case "ConversationCreated":
      case "ConversationRenamed":
      case "ConversationDescribed":
      case "ConversationNameRedacted":
      case "ConversationPictured":
      case "HistoryVisibilityChanged":
      case "MemberAdded":
      case "MemberRoleChanged":
      case "MemberRemoved":
      case "MemberPreferencesChanged":
      case "MessagesExpired":
        return;
      default:
        event satisfies never;
    }
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  page(): Page {
    const { from, to, more } = span(this.#asked, this.#lastSeq);
    const kept = [...this.#messages.values()].filter(({ seq }) => seq >= from && seq <= to);
    kept.sort((one, other) => one.seq - other.seq);
    return {
      messages: kept.map(({ given: _, ...message }) => message),
      reactions: kept.flatMap(({ given }) => [...given.values()]),
      more,
    };
  }

  #wants(seq: number): boolean {
    const { before, after, around, limit } = this.#asked;
    const middle = around ?? (after === undefined ? (before ?? Number.POSITIVE_INFINITY) : after + 1);
    if (seq < middle) return after === undefined;
    return before === undefined && this.#later++ < limit;
  }

  #keep(message: Kept): void {
    this.#messages.set(message.seq, message);
    this.#seqs.set(message.messageId, message.seq);
    if (this.#later > 0) return;
    this.#earlier.push(message.seq);
    if (this.#earlier.length <= this.#asked.limit) return;
    const gone = this.#messages.get(this.#earlier.shift() ?? 0);
    if (!gone) return;
    this.#messages.delete(gone.seq);
    this.#seqs.delete(gone.messageId);
  }

  #change(seq: number, revision: number, change: (message: Kept) => void): void {
    const message = this.#messages.get(seq);
    if (!message) return;
    message.revision = revision;
    change(message);
  }

  #replied(root: string | undefined, revision: number, replies: 1 | -1): void {
    const message = root === undefined ? undefined : this.#messages.get(this.#seqs.get(root) ?? 0);
    if (!message) return;
    message.revision = revision;
    message.threadCount += replies;
  }
}

/** Which seqs make the page, of a conversation that has them all up to the last: from one to another, both included. */
function span({ before, after, around, limit }: PageAsked, last: number) {
  let [from, to] = [1, last];
  if (after !== undefined) [from, to] = [after + 1, Math.min(last, after + limit)];
  else if (around !== undefined) {
    const later = Math.max(0, Math.min(limit, last - around + 1));
    const earlier = Math.min(around - 1, last, Math.max(Math.floor(limit / 2), limit - later));
    from = Math.min(around - 1, last) - Math.max(0, earlier) + 1;
    to = Math.min(last, around - 1 + limit - Math.max(0, earlier));
  } else {
    to = Math.min(last, (before ?? last + 1) - 1);
    from = Math.max(1, to - limit + 1);
  }
  const end = to >= from ? to : from - 1;
  return {
    from,
    to,
    more: { before: last > 0 && from > 1, after: end < last && (before ?? after ?? around) !== undefined },
  };
}

function sent(event: Sent): Kept {
  const { data, revision, of } = event;
  return {
    conversation: of,
    seq: data.seq,
    messageId: data.target,
    author: data.authorId,
    kind: data.kind,
    sentAt: new Date(data.sentAt),
    editedAt: null,
    deleted: false,
    deletedPosition: null,
    replyTo: data.replyTo ?? null,
    threadRoot: data.threadRoot ?? null,
    threadCount: 0,
    mentions: data.mentions ?? [],
    attachments: data.attachments ?? [],
    sentRevision: revision,
    revision,
    sealed: sealedThen(event),
    edit: null,
    ackBy: null,
    escalateTo: null,
    overdue: null,
    acknowledged: [],
    given: new Map(),
  };
}
