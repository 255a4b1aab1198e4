import type { Conversation } from "../../domain/conversation/conversation.ts";
import type { ConversationEvent } from "../../domain/conversation/events.ts";
import type { Facts } from "../../domain/event.ts";
import { directConversationId, parseStreamId, tenantId } from "../../domain/ids.ts";
import type { MarksRaised } from "../../domain/receipts/events.ts";
import { Messages } from "./messages.ts";

/** Whoever is told of a deviation, with what was promised and what is there instead. */
export type Found = (rule: string, what: string) => void;

type About = Extract<
  Facts<ConversationEvent>,
  {
    type:
      | "MessageEdited"
      | "MessageDeleted"
      | "ReactionAdded"
      | "ReactionRemoved"
      | "AcknowledgementRequested"
      | "MessageAcknowledged"
      | "AcknowledgementFellDue";
  }
>;

/** Who says so, and in which bucket (days since 1970) it was sealed, if it was. */
interface Said {
  readonly actorId: string | null;
  readonly firstOfCommand: boolean;
  readonly day: number | undefined;
}

/**
 * What commands let into one conversation and its receipts, asked again of what is in the log. Give it the events of
 * both streams in order of position; it looks at the conversation's state as it was before each.
 */
export class ConversationRules {
  readonly #operator: string;
  readonly #tenant: string;
  readonly #id: string;
  readonly #messages = new Messages();
  readonly #everMembers = new Set<string>();
  #owners = 0;
  #owned = false;
  #joined: string[] = [];

  constructor(stream: string) {
    const { tenant, id } = parseStreamId(stream);
    this.#tenant = tenant;
    this.#id = id;
    this.#operator = tenantId(tenant);
  }

  get messages(): number {
    return this.#messages.lastSeq;
  }

  /** @param before as the events before it left it */
  event(before: Conversation, event: Facts<ConversationEvent>, said: Said, found: Found): void {
    if (said.firstOfCommand) {
      this.commandEnds(before, found);
      this.#mayAct(before, event, said, found);
    }
    if ((event.type === "ConversationCreated") !== (before.kind === "none"))
      found("a conversation begins with its creation, once", `${event.type} of one that is ${before.kind}`);
    switch (event.type) {
      case "ConversationCreated":
      case "ConversationRenamed":
      case "ConversationDescribed":
      case "ConversationNameRedacted":
      case "ConversationPictured":
      case "HistoryVisibilityChanged":
        return;
      case "MessagesExpired":
        if (event.data.expiredTo > this.#messages.lastSeq)
          found(
            "only what was said expires",
            `up to ${event.data.expiredTo}, the last message is ${this.#messages.lastSeq}`,
          );
        return;
      case "MemberAdded":
        return this.#added(before, event.data, found);
      case "MemberRemoved":
        return this.#removed(before, event.data, found);
      case "MemberRoleChanged":
        return this.#roleChanged(before, event.data, found);
      case "MemberPreferencesChanged":
        if (!before.members.has(event.data.userId)) found("preferences are a member's", `${event.data.userId} is none`);
        return;
      case "MessageSent":
        return this.#sent(before, event.data, said, found);
      case "MessageEdited":
      case "MessageDeleted":
      case "ReactionAdded":
      case "ReactionRemoved":
      case "AcknowledgementRequested":
      case "MessageAcknowledged":
      case "AcknowledgementFellDue":
        return this.#about(before, event, said, found);
      default:
        event satisfies never;
    }
  }

  /** What holds whenever a command is through. */
  commandEnds({ kind, members }: Conversation, found: Found): void {
    if (this.#owned && this.#owners === 0) {
      this.#owned = false;
      found("a group that had an owner keeps one", "the last one went");
    }
    if (kind === "direct" && members.size !== 2)
      found("two people are in a direct conversation", `${members.size} are`);
    const [one, other] = this.#joined;
    if (kind === "direct" && one && other && directConversationId(this.#tenant, one, other) !== this.#id)
      found("a direct conversation is named after its two", "it is that of others");
    this.#joined = [];
  }

  marks({ data }: Pick<ReturnType<typeof MarksRaised>, "data">, found: Found): void {
    for (const { userId, read, delivered } of data.marks) {
      const lastSeq = this.#messages.lastSeq;
      if (read > delivered || delivered > lastSeq)
        found("0 ≤ read ≤ delivered ≤ seq", `read ${read}, delivered ${delivered}, the last message is ${lastSeq}`);
      // A mark may come to stand after its person's removal: it was on its way.
      if (!this.#everMembers.has(userId)) found("marks are a member's", `${userId} never was one`);
    }
  }

  #mayAct({ kind, members }: Conversation, event: Facts<ConversationEvent>, { actorId }: Said, found: Found): void {
    if (kind === "none" || actorId === null || actorId === this.#operator || members.has(actorId)) return;
    found("only members act in a conversation", `${event.type} by ${actorId}, who is none`);
  }

  #added(
    { kind, members }: Conversation,
    added: { userId: string; role: string; afterSeq: number },
    found: Found,
  ): void {
    const { userId, role, afterSeq } = added;
    const lastSeq = this.#messages.lastSeq;
    if (members.has(userId)) found("nobody is added twice", `${userId} is a member already`);
    if (afterSeq !== lastSeq)
      found("a membership begins after the last message", `after ${afterSeq}, that is ${lastSeq}`);
    if (role === "owner") this.#owns(1);
    this.#everMembers.add(userId);
    if (kind === "direct") this.#joined.push(userId);
  }

  #removed({ kind, members }: Conversation, removed: { userId: string; lastSeq: number }, found: Found): void {
    const { userId } = removed;
    const lastSeq = this.#messages.lastSeq;
    const member = members.get(userId);
    if (!member) found("only members are removed", `${userId} is none`);
    if (kind === "direct") found("the members of a direct conversation never change", `${userId} was removed`);
    if (removed.lastSeq !== lastSeq)
      found("a membership ends with the last message", `with ${removed.lastSeq}, that is ${lastSeq}`);
    if (member?.role === "owner") this.#owns(-1);
  }

  #roleChanged({ members }: Conversation, { userId, role }: { userId: string; role: string }, found: Found): void {
    const before = members.get(userId)?.role;
    if (before === undefined) found("only members have roles", `${userId} is none`);
    if (before !== "owner" && role === "owner") this.#owns(1);
    if (before === "owner" && role !== "owner") this.#owns(-1);
  }

  #owns(change: 1 | -1): void {
    this.#owners += change;
    if (this.#owners > 0) this.#owned = true;
  }

  #sent(
    { members }: Conversation,
    { seq, target, authorId }: { seq: number; target: string; authorId: string },
    { actorId, day }: Said,
    found: Found,
  ): void {
    if (seq !== this.#messages.lastSeq + 1)
      found("seq is dense from 1 in a conversation", `${seq} follows ${this.#messages.lastSeq}`);
    // What was written elsewhere is brought in by the operator's hand, in the name of people who may have left.
    if (actorId !== this.#operator && !members.has(authorId)) found("who sends is a member", `${authorId} is none`);
    this.#messages.add(target, authorId, day ?? 0);
  }

  #about({ members }: Conversation, event: About, { day }: Said, found: Found): void {
    const { target, seq } = event.data;
    const message = this.#messages.at(seq);
    if (message?.id !== target) {
      found(
        "what an event is about was sent",
        `${event.type} of ${target} as message ${seq}, which is ${message?.id ?? "not there"}`,
      );
      return;
    }
    if (message.deleted) found("nothing happens to a deleted message", `${event.type} of message ${seq}`);
    if ("authorId" in event.data && event.data.authorId !== message.author)
      found("an event names its message's author", `${event.data.authorId}, not ${message.author}`);
    if ("userId" in event.data && !members.has(event.data.userId))
      found("who reacts or acknowledges is a member", `${event.data.userId} is none`);
    if (event.type === "MessageEdited" && day !== message.day)
      found("an edit is sealed with its original", "it lies in another bucket");
    if (event.type === "MessageDeleted") this.#messages.delete(seq);
  }
}
