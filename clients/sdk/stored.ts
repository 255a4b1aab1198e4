import type { Conversation, Me, Message } from "./contract.ts";
import type { Entry, Settled } from "./outbox.ts";
import type { Tokens } from "./session.ts";
import type { ClientState, Held, HeldMember, HeldUser, Marks } from "./state.ts";
import { messagesOf } from "./view.ts";

/** What a device keeps between runs: plain JSON. It holds credentials and messages: keep it where only its owner reads. */
export interface Stored {
  readonly format: 1;
  readonly tokens: Tokens;
  /** Everything before it is in `state`. */
  readonly cursor: string | null;
  readonly state: PlainState;
  readonly outbox: { readonly waiting: readonly Entry[]; readonly settled: readonly Settled[] };
}

/** Where a device keeps it. `save` replaces the whole and resolves once it is safe; it is never called twice at once. */
export interface Storage {
  load(): Promise<Stored | undefined>;
  save(stored: Stored): Promise<void>;
}

/** Forgets with the program. */
export function memoryStorage(): Storage {
  let kept: Stored | undefined;
  return {
    load: async () => kept,
    save: async (stored) => {
      kept = stored;
    },
  };
}

export interface PlainState {
  readonly userId: string;
  readonly me: Me | null;
  readonly activities: number;
  readonly users: readonly HeldUser[];
  readonly conversations: readonly {
    readonly conversation: Conversation;
    readonly preferencesRevision: number;
    readonly activity: Held["activity"];
    readonly members: readonly HeldMember[];
    readonly messages: readonly Message[];
    readonly marks: readonly (Marks & { readonly userId: string })[];
  }[];
}

/** Older ones are history, fetched when somebody looks for them. */
const STORED_MESSAGES_PER_CONVERSATION = 200;

export const plainOf = (state: ClientState): PlainState => ({
  userId: state.userId,
  me: state.me ?? null,
  activities: state.activities,
  users: [...state.users.values()],
  conversations: [...state.conversations.values()].map((held) => ({
    ...held,
    members: [...held.members.values()],
    messages: messagesOf(held).slice(-STORED_MESSAGES_PER_CONVERSATION),
    marks: [...held.marks].map(([userId, marks]) => ({ userId, ...marks })),
  })),
});

export const stateOf = ({ userId, me, activities, users, conversations }: PlainState): ClientState => ({
  userId,
  me: me ?? undefined,
  activities,
  users: new Map(users.map((user) => [user.userId, user])),
  conversations: new Map(
    conversations.map((plain) => {
      const held: Held = {
        ...plain,
        members: new Map(plain.members.map((member) => [member.userId, member])),
        messages: new Map(plain.messages.map((message) => [message.messageId, message])),
        marks: new Map(plain.marks.map(({ userId: whose, ...marks }) => [whose, marks])),
      };
      return [plain.conversation.conversationId, held];
    }),
  ),
});
