import { z } from "zod";
import { MessageContent } from "../../domain/conversation/events.ts";
import type { Queryable } from "../../infra/ports/database.ts";
import type { ReactionRow } from "../../projections/history/queries.ts";
import { people } from "../../projections/people/queries.ts";
import type { Opened, Sealing } from "../../sealing/sealing.ts";
import type { ConversationThen } from "./conversationThen.ts";
import type { MessageThen } from "./messageWindow.ts";
import type { SealedThen } from "./sealedThen.ts";
import type { MessageThen as OpenMessage, OpenThen } from "./shapes.ts";

const MOST_MEMBERS = 200;
const MOST_NAMED = 50;
const Named = z.object({ displayName: z.string() });
const ConversationName = z.object({ name: z.string() });
const Description = z.object({ description: z.string().nullable() });

interface Parts {
  readonly database: Queryable;
  readonly sealing: Pick<Sealing, "open">;
}

/**
 * Opens what can be opened today: what was erased since stays erased, whatever time is looked at.
 * @param membersAfter the id after which members are wanted; null: from the first
 * @throws KeysUnavailable
 */
export async function openThen(
  { database, sealing }: Parts,
  then: ConversationThen,
  membersAfter: string | null,
): Promise<OpenThen> {
  const { at, conversation, kind, name, description, avatar, historyVisibility, lastSeq } = then;
  const open = opener(sealing);
  const members = then.members
    .filter(({ userId }) => membersAfter === null || userId > membersAfter)
    .slice(0, MOST_MEMBERS);
  const senders = [...new Set(then.messages.map(({ author }) => author))].sort();
  const ids = [...new Set([...members, ...then.reactions].map(({ userId }) => userId).concat(senders))];
  const [named, [nameThen, descriptionThen], texts] = await Promise.all([
    namesOf(database, open, then.tenant, ids),
    open([name, description]),
    open(then.messages.flatMap(({ sealed, edit }) => [edit ?? sealed, sealed])),
  ]);
  const marks = new Map(then.marks.map((mark) => [mark.userId, mark]));
  const given = Map.groupBy(
    then.reactions.filter(({ userId }) => named.get(userId) !== "erased"),
    ({ seq }) => seq,
  );
  const displayNameOf = (userId: string): string | null => {
    const person = named.get(userId);
    return person === "erased" ? null : (person?.displayName ?? null);
  };
  return {
    asOf: { position: at.position, recordedAt: new Date(at.recordedAt).toISOString() },
    conversation: {
      conversationId: conversation,
      kind,
      name: contentOf(nameThen, ConversationName)?.name ?? null,
      description: contentOf(descriptionThen, Description)?.description ?? null,
      avatar,
      settings: { historyVisibility },
      memberCount: then.members.length,
      lastSeq,
    },
    members: members.map(({ userId, role, joinedAt }) => {
      const { delivered = 0, read = 0 } = marks.get(userId) ?? {};
      return {
        userId,
        role,
        displayName: displayNameOf(userId),
        joinedAt: joinedAt.toISOString(),
        leftAt: null,
        delivered,
        read,
      };
    }),
    senders: senders.map((userId) => ({ userId, displayName: displayNameOf(userId) })),
    items: then.messages.map((message, index) =>
      openMessage(message, texts[2 * index], texts[2 * index + 1], given.get(message.seq) ?? []),
    ),
    more: { ...then.more },
  };
}

type Open = (parts: readonly SealedThen[]) => Promise<(Opened | undefined)[]>;

/** In one call; undefined for what is not there. */
const opener =
  (sealing: Parts["sealing"]): Open =>
  async (parts) => {
    const there = parts.filter((part) => part !== null);
    const opened = (there.length > 0 ? await sealing.open(there) : []).values();
    return parts.map((part) => (part === null ? undefined : opened.next().value));
  };

const contentOf = <Content>(opened: Opened | undefined, schema: z.ZodType<Content>): Content | undefined =>
  opened?.state === "readable" ? schema.parse(opened.content) : undefined;

async function namesOf(database: Queryable, open: Open, tenant: string, userIds: readonly string[]) {
  const rows = await people(database, tenant, userIds);
  const opened = await open(rows.map(({ named }) => named));
  return new Map(
    rows.map(({ userId }, index) => [
      userId,
      opened[index]?.state === "erased" ? ("erased" as const) : contentOf(opened[index], Named),
    ]),
  );
}

function openMessage(
  then: MessageThen,
  current: Opened | undefined,
  original: Opened | undefined,
  reactions: readonly ReactionRow[],
): OpenMessage {
  const erased = current?.state === "erased";
  const gone = then.deleted || erased;
  const content = contentOf(current, MessageContent);
  const names = new Map(contentOf(original, MessageContent)?.attachments?.map(({ mediaId, name }) => [mediaId, name]));
  return {
    messageId: then.messageId,
    conversationId: then.conversation,
    seq: then.seq,
    revision: then.revision,
    senderId: then.author,
    kind: then.kind,
    text: content?.text ?? null,
    replyTo: then.replyTo,
    threadRoot: then.threadRoot,
    threadCount: then.threadCount,
    mentions: gone ? [] : [...then.mentions],
    attachments: gone ? [] : then.attachments.map((facts) => ({ ...facts, name: names.get(facts.mediaId) ?? null })),
    reactions: gone
      ? []
      : [...Map.groupBy(reactions, ({ emoji }) => emoji)].map(([emoji, all]) => ({
          emoji,
          count: all.length,
          userIds: all.slice(0, MOST_NAMED).map(({ userId }) => userId),
        })),
    sentAt: then.sentAt.toISOString(),
    editedAt: gone ? null : (then.editedAt?.toISOString() ?? null),
    deleted: gone,
    erased,
    deletedPosition: then.deletedPosition,
    ...(then.kind === "encrypted"
      ? {
          ciphertext: content?.ciphertext ?? null,
          ...(content?.keyInfo === undefined ? {} : { keyInfo: content.keyInfo }),
        }
      : {}),
    ...(gone ? {} : askedOf(then)),
  };
}

function askedOf({ ackBy, escalateTo, acknowledged, overdue }: MessageThen): Partial<OpenMessage> {
  return {
    ...(ackBy && {
      acknowledgement: {
        ackBy: ackBy.toISOString(),
        escalateTo: [...(escalateTo ?? [])],
        acknowledged: acknowledged.map(({ userId, at }) => ({ userId, at: at.toISOString(), late: at > ackBy })),
      },
    }),
    ...(overdue && { overdue: [...overdue] }),
  };
}
