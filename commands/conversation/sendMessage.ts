import { z } from "zod";
import { AcknowledgementRequested, MessageId, MessageSent, Seq, Time } from "../../domain/conversation/events.ts";
import { foldMessage } from "../../domain/conversation/message.ts";
import { only } from "../../domain/event.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { command } from "../command.ts";
import { membership, noSuchConversation, noSuchMessage, sees } from "./access.ts";
import { AckBy, EscalateTo, faultInAsking } from "./acknowledgement.ts";
import { conversation } from "./aggregate.ts";
import { facets, isBlank, Mentions, Text } from "./messageText.ts";

/** Base64 of at most 24 KiB. */
const Ciphertext = z.base64().min(4).max(32_768);

/** What of a message does not go together. */
function faultIn({ kind, text, ciphertext, keyInfo, attachments }: Content): string | undefined {
  if (kind === "encrypted")
    return ciphertext !== undefined && (text ?? null) === null
      ? undefined
      : "an encrypted message has ciphertext and no text";
  if (ciphertext !== undefined || keyInfo !== undefined) return "only an encrypted message has ciphertext and keyInfo";
  return isBlank(text ?? "") && !attachments?.length ? "a message needs a text or an attachment" : undefined;
}

interface Content {
  readonly kind: string;
  readonly text?: string | null | undefined;
  readonly ciphertext?: string | undefined;
  readonly keyInfo?: unknown;
  readonly attachments?: readonly unknown[] | undefined;
}

export const SendMessage = command({
  name: "SendMessage",
  route: "POST /api/v1/conversations/:conversationId/messages",
  summary: "Sends a message.",
  status: 201,
  limit: "sends",
  on: conversation,
  payload: z
    .strictObject({
      conversationId: Uuid,
      messageId: MessageId,
      kind: z.enum(["text", "media", "encrypted"]).default("text"),
      text: Text.nullable().optional(),
      ciphertext: Ciphertext.optional(),
      keyInfo: z.json().optional(),
      replyTo: MessageId.nullable().optional(),
      threadRoot: MessageId.nullable().optional(),
      mentions: Mentions.optional(),
      attachments: z
        .array(z.strictObject({ mediaId: Uuid, name: z.string().max(255).optional() }))
        .max(10)
        .optional(),
      ackBy: AckBy.optional(),
      escalateTo: EscalateTo.optional(),
    })
    .check(({ value, issues }) => {
      const message =
        faultIn(value) ??
        (value.escalateTo && value.ackBy === undefined ? "escalateTo takes an ackBy to go with" : undefined);
      if (message !== undefined) issues.push({ code: "custom", message, path: [], input: value });
    }),
  result: z.object({ messageId: MessageId, seq: Seq, sentAt: Time }),
  id: ({ conversationId }) => conversationId,
  key: ({ messageId }) => messageId,
  needs: ({ replyTo, threadRoot }) => ({ messages: [replyTo, threadRoot].filter((id) => typeof id === "string") }),

  decide(state, payload, by) {
    const own = membership(state, by);
    if (!own) return noSuchConversation();
    const { messageId, kind, text = null, ciphertext, keyInfo, replyTo, threadRoot, mentions = [] } = payload;
    const { ackBy, escalateTo = [] } = payload;
    if (payload.attachments?.length) return reject("not-found", "no such upload among one's own");
    if (mentions.some((userId: string) => !state.members.has(userId)))
      return reject("validation-failed", "somebody mentioned is not a member");
    const refused = ackBy === undefined ? undefined : faultInAsking(state, { ackBy, escalateTo }, by.now);
    if (refused) return refused;
    for (const [id, isRoot] of [
      [replyTo, false],
      [threadRoot, true],
    ] as const) {
      if (!id) continue;
      const message = foldMessage(by.met.eventsAbout(id));
      if (!message || !sees(state, own.member, message)) return noSuchMessage();
      if (isRoot && message.threadRoot !== undefined) return reject("not-found", "a reply is no root of a thread");
    }
    const place = { target: messageId, seq: state.lastSeq + 1, authorId: by.userId };
    return [
      MessageSent(
        {
          ...place,
          kind,
          sentAt: by.now.toISOString(),
          ...(replyTo ? { replyTo } : {}),
          ...(threadRoot ? { threadRoot } : {}),
          ...facets(text, mentions),
        },
        {
          text,
          ...(ciphertext === undefined ? {} : { ciphertext }),
          ...(keyInfo === undefined ? {} : { keyInfo }),
        },
      ),
      ...(ackBy === undefined
        ? []
        : [AcknowledgementRequested({ ...place, ackBy, escalateTo: [...new Set(escalateTo)] })]),
    ];
  },

  answer(events, { messageId }) {
    const { seq, sentAt } = only(events, "MessageSent").data;
    return { messageId, seq, sentAt };
  },
});
