import { z } from "zod";
import { MessageEdited, MessageId } from "../../domain/conversation/events.ts";
import { foldMessage } from "../../domain/conversation/message.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { command, unchanged } from "../command.ts";
import { membership, noSuchConversation, noSuchMessage, sees } from "./access.ts";
import { conversation } from "./aggregate.ts";
import { facets, isBlank, Mentions, Text } from "./messageText.ts";

const textOf = (content: unknown): unknown =>
  typeof content === "object" && content !== null && "text" in content ? content.text : undefined;

export const EditMessage = command({
  name: "EditMessage",
  route: "PATCH /api/v1/conversations/:conversationId/messages/:messageId",
  summary: "Gives one's own message another text; the former ones are kept as versions.",
  status: 200,
  on: conversation,
  payload: z.strictObject({
    conversationId: Uuid,
    messageId: MessageId,
    text: Text,
    mentions: Mentions.optional().describe("Absent: as they were."),
    ifMatch: z
      .int()
      .min(0)
      .optional()
      .describe("Refused if an edit came after this revision; over HTTP the header If-Match."),
  }),
  result: z.object({ messageId: MessageId }),
  id: ({ conversationId }) => conversationId,
  needs: ({ messageId }) => ({ messages: [messageId], contents: true }),

  decide(state, { messageId, text, mentions, ifMatch }, by) {
    const own = membership(state, by);
    if (!own) return noSuchConversation();
    const events = by.met.eventsAbout(messageId);
    const message = foldMessage(events);
    if (!message || !sees(state, own.member, message)) return noSuchMessage();
    if (message.deletedAt !== undefined) return reject("gone", "the message was deleted");
    if (message.authorId !== by.userId) return reject("forbidden", "only its author edits a message");
    if (message.kind === "encrypted") return reject("validation-failed", "an encrypted message cannot be edited");
    if (isBlank(text)) return reject("validation-failed", "a message needs a text or an attachment");
    if (ifMatch !== undefined && message.edited && message.textAt > ifMatch)
      return reject("conflict", "the message was edited meanwhile");
    if (mentions?.some((userId) => !state.members.has(userId)))
      return reject("validation-failed", "somebody mentioned is not a member");
    const mentioned = mentions ?? message.mentions;
    const current = events.find(({ revision }) => revision === message.textAt);
    const sameMentions = [...new Set(mentioned)].join() === message.mentions.join();
    if (textOf(current?.content) === text && sameMentions) return unchanged(message.textAt);
    return [
      MessageEdited(
        {
          target: messageId,
          seq: message.seq,
          authorId: message.authorId,
          editedAt: by.now.toISOString(),
          ...facets(text, mentioned),
        },
        { text },
        events.find(({ type }) => type === "MessageSent")?.bucket,
      ),
    ];
  },

  answer: (_, { messageId }) => ({ messageId }),
});
