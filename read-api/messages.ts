import { MessageContent } from "../domain/conversation/events.ts";
import type { Queryable } from "../infra/ports/database.ts";
import {
  type AcknowledgementRow,
  acknowledgementsOf,
  type MessageRow,
  type ReactionRow,
  reactionsTo,
} from "../projections/history/queries.ts";
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
  readonly acknowledgements: readonly AcknowledgementRow[];
}

const MOST_NAMED = 50;
const keyOf = ({ conversation, seq }: { conversation: string; seq: number }) => `${conversation}/${seq}`;

export async function loadMessages(
  queryable: Queryable,
  tenant: string,
  rows: readonly MessageRow[],
): Promise<LoadedMessages> {
  const placeOf = ({ conversation, seq }: MessageRow) => ({ conversation, seq });
  const live = rows.filter(({ deleted }) => !deleted).map(placeOf);
  const reactions = await reactionsTo(queryable, tenant, live);
  const reactors = await people(queryable, tenant, [...new Set(reactions.map(({ userId }) => userId))]);
  const asking = rows.filter(({ ackBy }) => ackBy !== null).map(placeOf);
  return { rows, reactions, reactors, acknowledgements: await acknowledgementsOf(queryable, tenant, asking) };
}

/** In the order of the rows. `viewer`: whose reactions are called `mine`; none where the same bytes go to everybody. */
export async function openMessages(
  sealing: Opener,
  { rows, reactions, reactors, acknowledgements }: LoadedMessages,
  viewer: string | null,
): Promise<Message[]> {
  const erased = new Set(
    (await openPeople(sealing, reactors)).filter((person) => person.erased).map(({ userId }) => userId),
  );
  const given = Map.groupBy(
    reactions.filter(({ userId }) => !erased.has(userId)),
    keyOf,
  );
  const acknowledged = Map.groupBy(acknowledgements, keyOf);
  const opened = (await openAll(sealing, rows.flatMap(partsOf))).values();
  return rows.map((row) => {
    const [current, original] = partsOf(row).map(() => opened.next().value);
    const message = messageOf(row, current, original, reactionsOf(given.get(keyOf(row)) ?? [], viewer));
    return message.deleted ? message : { ...message, ...askedOf(row, acknowledged.get(keyOf(row)) ?? [], viewer) };
  });
}

/** The text that counts, and where that is an edit and files have names, the original that names them. */
function partsOf({ sealed, edit, attachments }: MessageRow): SealedPart[] {
  const parts = edit && attachments.length > 0 ? [edit, sealed] : [edit ?? sealed];
  return parts.filter((part) => part !== null);
}

/** What only a message has that asks to be acknowledged, or tells who has not. */
function askedOf(
  { ackBy, escalateTo, overdue }: MessageRow,
  given: readonly AcknowledgementRow[],
  viewer: string | null,
): Pick<Message, "acknowledgement" | "overdue"> {
  const acknowledged = given.slice(0, MOST_NAMED).map(({ userId, at }) => ({
    userId,
    at: at.toISOString(),
    late: ackBy !== null && at > ackBy,
  }));
  const mine = viewer === null ? {} : { mine: given.some(({ userId }) => userId === viewer) };
  return {
    ...(ackBy === null
      ? {}
      : {
          acknowledgement: {
            ackBy: ackBy.toISOString(),
            escalateTo: [...(escalateTo ?? [])],
            count: given.length,
            acknowledged,
            ...mine,
          },
        }),
    ...(overdue === null ? {} : { overdue: [...overdue] }),
  };
}

/** What a message is, but for what is sealed of it, and who reacted. */
export type MessageFacts = Omit<
  MessageRow,
  "sentRevision" | "sealed" | "edit" | "attachments" | "ackBy" | "escalateTo" | "overdue"
> & {
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
