import type { Message } from "./contract.ts";

/** What stays of a message whose author was erased, or that is past retention. */
export function blanked(message: Message): Message {
  if (message.erased) return message;
  const { ciphertext: _ciphertext, keyInfo: _keyInfo, acknowledgement: _asked, overdue: _told, ...rest } = message;
  return {
    ...rest,
    text: null,
    attachments: [],
    mentions: [],
    reactions: [],
    editedAt: null,
    deleted: true,
    erased: true,
  };
}

export const bySeq = (one: Message, other: Message): number => one.seq - other.seq;
