import type { Placed } from "../event.ts";
import type { ConversationEvent } from "./events.ts";

/** One message, folded from the events that touched it. Each `…At` is the revision of the event that made it so. */
export interface Message {
  readonly sentAt: number;
  readonly seq: number;
  readonly authorId: string;
  readonly kind: string;
  readonly threadRoot: string | undefined;
  mentions: readonly string[];
  /** The last edit, or the sending itself. */
  textAt: number;
  edited: boolean;
  deletedAt: number | undefined;
  /** emoji → person → revision; in the order of first appearance. */
  readonly reactions: Map<string, Map<string, number>>;
  /** What was asked for with it. `dueAt`: the revision at which its time came. */
  acknowledgement:
    | { readonly by: string; readonly escalateTo: readonly string[]; dueAt: number | undefined }
    | undefined;
  /** Who acknowledged it, and at which revision. */
  readonly acknowledged: Map<string, number>;
  /** The last removal of a reaction, by emoji and person. */
  readonly unreacted: Map<string, number>;
}

export const reactionKey = (emoji: string, userId: string): string => `${userId} ${emoji}`;

export function foldMessage(events: Iterable<Placed<ConversationEvent>>): Message | undefined {
  let message: Message | undefined;
  for (const event of events) {
    if (event.type === "MessageSent") {
      const { seq, authorId, kind, threadRoot, mentions } = event.data;
      message = {
        sentAt: event.revision,
        seq,
        authorId,
        kind,
        threadRoot,
        mentions: mentions ?? [],
        textAt: event.revision,
        edited: false,
        deletedAt: undefined,
        reactions: new Map(),
        acknowledgement: undefined,
        acknowledged: new Map(),
        unreacted: new Map(),
      };
    } else if (message) amend(message, event);
  }
  return message;
}

function amend(message: Message, event: Placed<ConversationEvent>): void {
  if (event.type === "MessageEdited") {
    message.textAt = event.revision;
    message.edited = true;
    message.mentions = event.data.mentions ?? [];
  } else if (event.type === "MessageDeleted") {
    message.deletedAt = event.revision;
    message.reactions.clear();
  } else if (event.type === "ReactionAdded") {
    const people = message.reactions.get(event.data.emoji) ?? new Map<string, number>();
    people.set(event.data.userId, event.revision);
    message.reactions.set(event.data.emoji, people);
  } else if (event.type === "ReactionRemoved") {
    const people = message.reactions.get(event.data.emoji);
    people?.delete(event.data.userId);
    if (people?.size === 0) message.reactions.delete(event.data.emoji);
    message.unreacted.set(reactionKey(event.data.emoji, event.data.userId), event.revision);
  } else if (event.type === "AcknowledgementRequested") {
    message.acknowledgement = { by: event.data.ackBy, escalateTo: event.data.escalateTo, dueAt: undefined };
  } else if (event.type === "MessageAcknowledged") {
    message.acknowledged.set(event.data.userId, event.revision);
  } else if (event.type === "AcknowledgementFellDue") {
    if (message.acknowledgement) message.acknowledgement.dueAt = event.revision;
  }
}
