import { MessageContent } from "../domain/conversation/events.ts";
import type { Queryable } from "../infra/ports/database.ts";
import { type MessageRow, type ReactionRow, reactionsTo } from "../projections/history/queries.ts";
import { type PersonRow, people } from "../projections/people/queries.ts";
import type { SealedPart } from "../projections/sealedPart.ts";
import type { Opened } from "../sealing/sealing.ts";
import { type Opener, openAll, openPeople } from "./openPeople.ts";
import type { Message } from "./shapes.ts";

/** Rows of messages with all that showing them takes, read in one snapshot and still sealed. */
export interface LoadedMessages {
  readonly rows: readonly MessageRow[];
  readonly reactions: readonly ReactionRow[];
  readonly reactors: readonly PersonRow[];
}

const MOST_NAMED = 50;
const keyOf = ({ conversation, seq }: { conversation: string; seq: number }) => `${conversation}/${seq}`;

export async function loadMessages(
  queryable: Queryable,
  tenant: string,
  rows: readonly MessageRow[],
): Promise<LoadedMessages> {
  const live = rows.filter(({ deleted }) => !deleted).map(({ conversation, seq }) => ({ conversation, seq }));
  const reactions = await reactionsTo(queryable, tenant, live);
  const reactors = await people(queryable, tenant, [...new Set(reactions.map(({ userId }) => userId))]);
  return { rows, reactions, reactors };
}

/** In the order of the rows. `viewer`: whose reactions are called `mine`; none where the same bytes go to everybody. */
export async function openMessages(
  sealing: Opener,
  { rows, reactions, reactors }: LoadedMessages,
  viewer: string | null,
): Promise<Message[]> {
  const erased = new Set(
    (await openPeople(sealing, reactors)).filter((person) => person.erased).map(({ userId }) => userId),
  );
  const given = Map.groupBy(
    reactions.filter(({ userId }) => !erased.has(userId)),
    keyOf,
  );
  const opened = (await openAll(sealing, rows.flatMap(partsOf))).values();
  return rows.map((row) => {
    const [current, original] = partsOf(row).map(() => opened.next().value);
    return messageOf(row, current, original, reactionsOf(given.get(keyOf(row)) ?? [], viewer));
  });
}

/** The text that counts, and where that is an edit and files have names, the original that names them. */
function partsOf({ sealed, edit, attachments }: MessageRow): SealedPart[] {
  const parts = edit && attachments.length > 0 ? [edit, sealed] : [edit ?? sealed];
  return parts.filter((part) => part !== null);
}

/** What a message is, but for what is sealed of it, and who reacted. */
export type MessageFacts = Omit<MessageRow, "sentRevision" | "sealed" | "edit" | "attachments"> & {
  readonly attachments: readonly Omit<Message["attachments"][number], "name">[];
};

/** `current`: the text that counts, opened; `original`: what names its files, where that is another part. */
export function messageOf(
  row: MessageFacts,
  current: Opened | undefined,
  original: Opened | undefined,
  reactions: Message["reactions"],
): Message {
  const erased = current?.state === "erased";
  const gone = row.deleted || erased;
  const content = current?.state === "readable" ? MessageContent.parse(current.content) : undefined;
  const naming = original?.state === "readable" ? MessageContent.parse(original.content) : content;
  const names = new Map(naming?.attachments?.map(({ mediaId, name }) => [mediaId, name]));
  return {
    messageId: row.messageId,
    conversationId: row.conversation,
    seq: row.seq,
    revision: row.revision,
    senderId: row.author,
    kind: row.kind,
    text: content?.text ?? null,
    replyTo: row.replyTo,
    threadRoot: row.threadRoot,
    threadCount: row.threadCount,
    mentions: gone ? [] : [...row.mentions],
    attachments: gone ? [] : row.attachments.map((facts) => ({ ...facts, name: names.get(facts.mediaId) ?? null })),
    reactions: gone ? [] : reactions,
    sentAt: row.sentAt.toISOString(),
    editedAt: gone ? null : (row.editedAt?.toISOString() ?? null),
    deleted: gone,
    erased,
    ...(row.kind === "encrypted"
      ? {
          ciphertext: content?.ciphertext ?? null,
          ...(content?.keyInfo === undefined ? {} : { keyInfo: content.keyInfo }),
        }
      : {}),
  };
}

function reactionsOf(given: readonly ReactionRow[], viewer: string | null): Message["reactions"] {
  return [...Map.groupBy(given, ({ emoji }) => emoji)].map(([emoji, all]) => ({
    emoji,
    count: all.length,
    userIds: all.slice(0, MOST_NAMED).map(({ userId }) => userId),
    ...(viewer === null ? {} : { mine: all.some(({ userId }) => userId === viewer) }),
  }));
}
