import type { By } from "../../domain/by.ts";
import type { Conversation } from "../../domain/conversation/conversation.ts";
import { type ConversationEvent, MessageSent } from "../../domain/conversation/events.ts";
import { streamId } from "../../domain/ids.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import { ungatedConversation } from "../conversation/aggregate.ts";
import { facets } from "../conversation/messageText.ts";
import type { Engine } from "../engine/engine.ts";

export interface ImportedMessage {
  readonly messageId: string;
  readonly authorId: string;
  /** Not limited: the importer leaves out what no message can hold. */
  readonly text: string;
  /** The original's time: RFC 3339, UTC, milliseconds. */
  readonly sentAt: string;
  readonly threadRoot?: string;
}

export interface MessagesImported {
  /** Position of the last of them; 0 if none. */
  readonly position: number;
  /** Those whose author was erased. */
  readonly erased: number;
  /** What kept the others out; the same again goes on there. */
  readonly refused: Rejection | undefined;
}

/** Appends these messages in their order, decided together. Those that are there already are to be left out before. */
export async function importMessages(
  engine: Engine,
  conversationId: string,
  messages: readonly ImportedMessage[],
  by: By,
): Promise<MessagesImported> {
  const mailboxes = ungatedConversation.mailboxes(engine);
  const stream = streamId(by.tenant, "conversation", conversationId);
  const outcomes = await Promise.all(
    messages.map((message) =>
      mailboxes.send(stream, {
        name: "ImportMessage",
        payload: message,
        sender: { ...by, commandId: message.messageId },
        keyed: true,
        needs: () => undefined,
        decide: (state) => decideImport(state, message),
      }),
    ),
  );
  let position = 0;
  let erased = 0;
  let refused: Rejection | undefined;
  for (const outcome of outcomes) {
    if (!isRejection(outcome)) position = Math.max(position, outcome.position);
    else if (outcome.rejected === "erased") erased++;
    else refused ??= outcome;
  }
  return { position, erased, refused };
}

function decideImport(state: Conversation, message: ImportedMessage): ConversationEvent[] {
  if (state.kind === "none") throw new Error("messages are imported into a conversation that was never made");
  const { messageId, authorId, text, sentAt, threadRoot } = message;
  return [
    MessageSent(
      {
        target: messageId,
        seq: state.lastSeq + 1,
        authorId,
        kind: "text",
        sentAt,
        ...(threadRoot === undefined ? {} : { threadRoot }),
        ...facets(text, []),
      },
      { text },
    ),
  ];
}
