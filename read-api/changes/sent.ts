import type { Logged } from "../../projections/logged.ts";
import { type MessageFacts, messageOf } from "../messages.ts";
import { type Opener, openAll } from "../openPeople.ts";
import type { Change } from "../shapes.ts";
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
  return events.map((event, index) => messageChange(messageOf(asSent(event), opened[index], undefined, [])));
}

const asSent = ({ data, of, revision }: Sent): MessageFacts => ({
  messageId: data.target,
  conversation: of,
  seq: data.seq,
  revision,
  author: data.authorId,
  kind: data.kind,
  replyTo: data.replyTo ?? null,
  threadRoot: data.threadRoot ?? null,
  threadCount: 0,
  mentions: data.mentions ?? [],
  attachments: data.attachments ?? [],
  sentAt: new Date(data.sentAt),
  editedAt: null,
  deleted: false,
});
