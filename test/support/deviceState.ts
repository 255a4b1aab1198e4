import type { Change, Conversation, Member, Message } from "../../read-api/shapes.ts";

interface Held {
  conversation: Conversation;
  /** From here on messages come by themselves; earlier ones are history that one fetches. */
  readonly floor: number;
  /** The highest seq known: `conversation.lastSeq` when it came, then the highest since. */
  lastSeq: number;
  preferences: { revision: number; notify: string; mutedUntil: string | null } | undefined;
  unread: { unread: number; mentions: number };
  readonly members: Map<string, { revision: number; member: Member }>;
  readonly receipts: Map<string, { delivered: number; read: number }>;
  readonly messages: Map<string, Message>;
}

/** What a device keeps, and how the contract says that changes alter it. */
export function deviceState(userId: string) {
  const conversations = new Map<string, Held>();
  const users = new Map<string, Extract<Change, { op: "user" }>>();
  /** What people are called, by whatever told it last. */
  const names = new Map<string, string | null>();
  let me: Extract<Change, { op: "me" }> | undefined;
  const faults: string[] = [];

  function apply(change: Change): void {
    switch (change.op) {
      case "me":
        if (!me || change.revision >= me.revision) me = change;
        return;
      case "user":
        if (change.revision < (users.get(change.userId)?.revision ?? -1)) return;
        users.set(change.userId, change);
        names.set(change.userId, change.displayName);
        return;
      case "left":
        conversations.delete(change.conversationId);
        return;
      case "conversation": {
        const held = conversations.get(change.conversationId);
        if (!held)
          conversations.set(change.conversationId, {
            conversation: change.conversation,
            lastSeq: change.conversation.lastSeq,
            floor: Math.max(change.conversation.firstSeq, change.conversation.lastSeq - 19),
            preferences: undefined,
            unread: { unread: change.conversation.unread, mentions: change.conversation.mentions },
            members: new Map(),
            receipts: new Map(),
            messages: new Map(),
          });
        else if (change.revision >= held.conversation.revision) {
          held.conversation = change.conversation;
          held.lastSeq = Math.max(held.lastSeq, change.conversation.lastSeq);
        }
        return;
      }
      default: {
        const held = conversations.get(change.conversationId);
        if (held) applyWithin(held, change);
      }
    }
  }

  function applyWithin(held: Held, change: Exclude<Change, { op: "me" | "user" | "left" | "conversation" }>): void {
    switch (change.op) {
      case "preferences":
        if (change.revision >= (held.preferences?.revision ?? -1)) {
          const { revision, notify, mutedUntil } = change;
          held.preferences = { revision, notify, mutedUntil };
        }
        return;
      case "unread":
        held.unread = { unread: change.unread, mentions: change.mentions };
        return;
      case "member":
        if (change.revision >= (held.members.get(change.userId)?.revision ?? -1))
          held.members.set(change.userId, { revision: change.revision, member: change.member });
        names.set(change.userId, change.member.displayName);
        return;
      case "receipt":
        raise(held, change.userId, change.delivered, change.read);
        return;
      case "message": {
        const { message } = change;
        if (!users.has(message.senderId)) faults.push(`a message of ${message.senderId} came before its sender`);
        if (change.revision < (held.messages.get(change.messageId)?.revision ?? -1)) return;
        held.messages.set(change.messageId, message);
        raise(held, message.senderId, message.seq, message.seq);
        if (message.seq <= held.lastSeq) return;
        held.lastSeq = message.seq;
        if (message.senderId === userId) return;
        held.unread.unread++;
        if (message.mentions.includes(userId)) held.unread.mentions++;
        return;
      }
      default:
        change satisfies never;
    }
  }

  function raise(held: Held, of: string, delivered: number, read: number): void {
    const before = held.receipts.get(of) ?? { delivered: 0, read: 0 };
    held.receipts.set(of, {
      delivered: Math.max(before.delivered, delivered),
      read: Math.max(before.read, read),
    });
  }

  return {
    faults,
    conversations,
    apply(changes: readonly Change[]) {
      for (const change of changes) apply(change);
    },
    reset() {
      conversations.clear();
      users.clear();
      names.clear();
      me = undefined;
    },
    /** What two devices that know the same agree on; of messages and senders those that a snapshot holds. */
    view(other: { conversations: Map<string, Held> }) {
      return {
        me,
        conversations: Object.fromEntries(
          [...conversations].sort().map(([id, held]) => {
            const { name, description, avatar, settings, role, memberCount, firstSeq, kind } = held.conversation;
            const floor = Math.max(held.floor, other.conversations.get(id)?.floor ?? 0);
            const wanted = [...held.messages.values()]
              .filter(({ seq }) => seq >= floor)
              .sort((one, next) => one.seq - next.seq);
            // Since when somebody is there is hidden from guests; one's own role may have changed since it came.
            const present = [...held.members]
              .filter(([, { member }]) => member.leftAt === null)
              .map(
                ([
                  id,
                  {
                    revision,
                    member: { role },
                  },
                ]) => [id, { revision, role, name: names.get(id) }] as const,
              )
              .sort(([one], [other]) => (one < other ? -1 : 1));
            return [
              id,
              {
                ...{ name, description, avatar, settings, role, memberCount, firstSeq, kind },
                lastSeq: held.lastSeq,
                preferences: held.preferences,
                unread: held.unread,
                members: present,
                receipts: present.map(([member]) => [member, held.receipts.get(member)]),
                messages: wanted,
                senders: wanted.map(({ senderId }) => users.get(senderId)),
              },
            ];
          }),
        ),
      };
    },
    /** Seqs that are missing between two that came by themselves. */
    gaps(): string[] {
      return [...conversations].flatMap(([id, { messages, floor }]) => {
        const seqs = [...messages.values()].map(({ seq }) => seq).filter((seq) => seq >= floor);
        const held = new Set(seqs);
        const gaps: string[] = [];
        for (let seq = Math.min(...seqs); seq < Math.max(...seqs); seq++) if (!held.has(seq)) gaps.push(`${id} ${seq}`);
        return gaps;
      });
    },
  };
}
