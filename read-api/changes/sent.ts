import { MessageContent } from "../../domain/conversation/events.ts";
import type { Logged } from "../../projections/logged.ts";
import { type Opener, openAll } from "../openPeople.ts";
import type { Change, Message } from "../shapes.ts";
import { messageChange } from "./changes.ts";

export type Sent = Extract<Logged, { type: "MessageSent" }>;

/**
 * The changes of messages that nothing has touched since they were sent: the same, to the byte, that are read back from
 * the rows, without reading them.
 */
export async function openSent(sealing: Opener, events: readonly Sent[]): Promise<Change[]> {
  const opened = await openAll(
    sealing,
    events.map((event) => (event.sealed ? { ...event, sealed: event.sealed } : null)),
  );
  return events.map((event, index) => {
    const { data, of, revision } = event;
    const part = opened[index];
    const erased = part?.state === "erased";
    const content = part?.state === "readable" ? MessageContent.parse(part.content) : undefined;
    const names = new Map(content?.attachments?.map(({ mediaId, name }) => [mediaId, name]));
    const message: Message = {
      messageId: data.target,
      conversationId: of,
      seq: data.seq,
      revision,
      senderId: data.authorId,
      kind: data.kind,
      text: content?.text ?? null,
      replyTo: data.replyTo ?? null,
      threadRoot: data.threadRoot ?? null,
      threadCount: 0,
      mentions: erased ? [] : (data.mentions ?? []),
      attachments: erased
        ? []
        : (data.attachments ?? []).map((facts) => ({ ...facts, name: names.get(facts.mediaId) ?? null })),
      reactions: [],
      sentAt: data.sentAt,
      editedAt: null,
      deleted: erased,
      erased,
      ...(data.kind === "encrypted"
        ? {
            ciphertext: content?.ciphertext ?? null,
            ...(content?.keyInfo === undefined ? {} : { keyInfo: content.keyInfo }),
          }
        : {}),
    };
    return messageChange(message);
  });
}
