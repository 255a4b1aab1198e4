import { declarationOf } from "../../domain/catalogue.ts";
import {
  AcknowledgementFellDue,
  AcknowledgementRequested,
  ConversationCreated,
  ConversationRenamed,
  type HistoryVisibility,
  HistoryVisibilityChanged,
  MemberAdded,
  MemberPreferencesChanged,
  MemberRemoved,
  MemberRoleChanged,
  MessageAcknowledged,
  MessageDeleted,
  MessageEdited,
  MessageSent,
  type Notify,
  ReactionAdded,
  ReactionRemoved,
  type Role,
  systemMessage,
} from "../../domain/conversation/events.ts";
import type { DomainEvent } from "../../domain/event.ts";
import {
  directConversationId,
  eventId,
  parseStreamId,
  type StreamId,
  type StreamKind,
  streamId,
  tenantId,
  uuidV5,
} from "../../domain/ids.ts";
import { MarksRaised } from "../../domain/receipts/events.ts";
import { ProfileChanged, UserRegistered } from "../../domain/user/events.ts";
import { MemoryEventLog } from "../../infra/eventLog/memoryEventLog.ts";
import { memorySecretStore } from "../../infra/keys/memorySecretStore.ts";
import type { EventLog, NewEvent } from "../../infra/ports/eventLog.ts";
import { createSealing } from "../../sealing/sealing.ts";

interface Message {
  readonly id: string;
  readonly seq: number;
  readonly author: string;
  readonly bucket: string;
  readonly threadRoot: string | undefined;
}

/**
 * A log as commands would leave it, without running them: each step appends the events that its command leads to,
 * sealed for real. All times and ids follow from the order of the steps.
 */
export function chatLog(log: EventLog = new MemoryEventLog(), tenant = "main") {
  const secrets = memorySecretStore();
  const sealing = createSealing({ secrets });
  const lastSeqs = new Map<string, number>();
  const messages = new Map<string, Message>();
  let steps = 0;

  const nextId = (what: string) => uuidV5(`${what} ${steps++}`);
  const now = () => new Date(Date.UTC(2026, 10, 21) + steps * 1000).toISOString();
  const bucket = () => now().slice(0, 10);

  async function append(stream: StreamId, events: readonly (DomainEvent & { bucket?: string })[], type?: string) {
    const commandId = nextId("command");
    const { id: of } = parseStreamId(stream);
    const sealed = await sealing.seal(
      events.flatMap((event, ordinal) => {
        const under = declarationOf(event.type)?.under;
        if (event.sealed === undefined || !under) return [];
        return {
          id: eventId(stream, commandId, ordinal),
          type: event.type,
          version: event.version,
          stream,
          subject: under.bucket === "lasting" ? of : authorOf(event.data),
          bucket: event.bucket ?? (under.bucket === "lasting" ? "-" : bucket()),
          content: event.sealed,
        };
      }),
    );
    let next = 0;
    const written = events.map(
      (event): NewEvent => ({
        type: type ?? event.type,
        version: event.version,
        target: null,
        data: JSON.stringify(event.data),
        meta: JSON.stringify({ commandId, correlationId: "test", actorId: null, occurredAt: now() }),
        sealed: event.sealed === undefined ? null : (sealed[next++] ?? null),
      }),
    );
    const outcome = await log.append(stream, await log.revision(stream), [
      { commandId, actorId: null, payloadHash: new Uint8Array(32), events: written },
    ]);
    if (outcome.status !== "ok") throw new Error(`the log answered ${outcome.status}`);
    return outcome.events;
  }

  const to = (kind: StreamKind, id: string, ...events: (DomainEvent & { bucket?: string })[]) =>
    append(streamId(tenant, kind, id), events);
  const about = (messageId: string) => {
    const message = messages.get(messageId);
    if (!message) throw new Error(`no message ${messageId}`);
    return message;
  };
  const lastSeq = (conversation: string) => lastSeqs.get(conversation) ?? 0;

  return {
    log,
    sealing,
    tenant,
    append,
    lastSeq,
    /** Destroys the person's secret: what they wrote opens no more. */
    erase: (userId: string) => sealing.destroy([{ tenant, of: userId }]),
    async person(username: string, displayName = username) {
      const id = nextId("user");
      await to("user", id, UserRegistered({ imported: false }, { username, displayName }));
      return id;
    },
    profile: (userId: string, displayName: string) =>
      to("user", userId, ProfileChanged({ avatar: null }, { displayName })),
    async direct(one: string, other: string) {
      const id = directConversationId(tenant, one, other);
      const [first, second] = [one, other].map((userId) => MemberAdded({ userId, role: "member", afterSeq: 0 }));
      if (!first || !second) throw new Error("two people");
      await to("conversation", id, ConversationCreated({ kind: "direct", historyVisibility: "all" }), first, second);
      return id;
    },
    async group(
      name: string,
      owner: string,
      members: readonly string[] = [],
      historyVisibility: HistoryVisibility = "joined",
    ) {
      const id = nextId("conversation");
      await to(
        "conversation",
        id,
        ConversationCreated({ kind: "group", historyVisibility }),
        ConversationRenamed({}, { name }),
        MemberAdded({ userId: owner, role: "owner", afterSeq: 0 }),
        ...members.map((userId) => MemberAdded({ userId, role: "member", afterSeq: 0 })),
      );
      return id;
    },
    rename: (id: string, name: string) => to("conversation", id, ConversationRenamed({}, { name })),
    open: (id: string, historyVisibility: HistoryVisibility) =>
      to("conversation", id, HistoryVisibilityChanged({ historyVisibility })),
    add: (id: string, userId: string, role: Role = "member") =>
      to("conversation", id, MemberAdded({ userId, role, afterSeq: lastSeq(id) })),
    role: (id: string, userId: string, role: Role) => to("conversation", id, MemberRoleChanged({ userId, role })),
    remove: (id: string, userId: string) => to("conversation", id, MemberRemoved({ userId, lastSeq: lastSeq(id) })),
    prefer: (id: string, userId: string, notify: Notify) =>
      to("conversation", id, MemberPreferencesChanged({ userId, notify, mutedUntil: null })),
    async send(
      id: string,
      author: string,
      text: string,
      { threadRoot, replyTo, mentions }: { threadRoot?: string; replyTo?: string; mentions?: string[] } = {},
    ) {
      const seq = lastSeq(id) + 1;
      lastSeqs.set(id, seq);
      const target = nextId("message");
      messages.set(target, { id: target, seq, author, bucket: bucket(), threadRoot });
      await to("conversation", id, {
        ...MessageSent(
          {
            target,
            seq,
            authorId: author,
            kind: "text",
            sentAt: now(),
            ...(threadRoot ? { threadRoot } : {}),
            ...(replyTo ? { replyTo } : {}),
            ...(mentions ? { mentions } : {}),
          },
          { text },
        ),
        bucket: bucket(),
      });
      return target;
    },
    edit: (id: string, messageId: string, text: string, mentions: string[] = []) => {
      const { seq, author, bucket } = about(messageId);
      return to(
        "conversation",
        id,
        MessageEdited({ target: messageId, seq, authorId: author, editedAt: now(), mentions }, { text }, bucket),
      );
    },
    discard: (id: string, messageId: string) => {
      const { seq, author, threadRoot } = about(messageId);
      return to(
        "conversation",
        id,
        MessageDeleted({ target: messageId, seq, authorId: author, ...(threadRoot ? { threadRoot } : {}) }),
      );
    },
    react: (id: string, messageId: string, userId: string, emoji: string) =>
      to("conversation", id, ReactionAdded({ target: messageId, seq: about(messageId).seq, emoji, userId })),
    unreact: (id: string, messageId: string, userId: string, emoji: string) =>
      to("conversation", id, ReactionRemoved({ target: messageId, seq: about(messageId).seq, emoji, userId })),
    ask: (id: string, messageId: string, escalateTo: string[]) => {
      const { seq, author } = about(messageId);
      const asked = { target: messageId, seq, authorId: author, ackBy: now(), escalateTo };
      return to("conversation", id, AcknowledgementRequested(asked));
    },
    acknowledge: (id: string, messageId: string, userId: string) =>
      to("conversation", id, MessageAcknowledged({ target: messageId, seq: about(messageId).seq, userId, at: now() })),
    /** Tells in a message of Scripta's own who has not acknowledged; gives its id. */
    async fallDue(id: string, messageId: string, missing: string[], told: string[]) {
      const { seq, author } = about(messageId);
      const notice = nextId("message");
      const place = { target: notice, seq: lastSeq(id) + 1, authorId: tenantId(tenant) };
      lastSeqs.set(id, place.seq);
      messages.set(notice, {
        id: notice,
        seq: place.seq,
        author: place.authorId,
        bucket: bucket(),
        threadRoot: undefined,
      });
      const message = systemMessage({ ...place, sentAt: now(), replyTo: messageId, mentions: told });
      const due = AcknowledgementFellDue({ target: messageId, seq, authorId: author, missing, told, notice });
      await to("conversation", id, message, due);
      return notice;
    },
    mark: (id: string, userId: string, read: number, delivered = read) =>
      to("receipts", id, MarksRaised({ marks: [{ userId, deviceId: null, delivered, read, at: now() }] })),
  };
}

export type ChatLog = ReturnType<typeof chatLog>;

const authorOf = (data: unknown): string =>
  typeof data === "object" && data !== null && "authorId" in data ? String(data.authorId) : "";
