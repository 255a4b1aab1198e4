/** A promise that a history breaks. */
export interface Violation {
  readonly rule: Rule;
  /** In words, with the ids that it is about. */
  readonly what: string;
}

/** What must hold, by the name that a report uses. */
export const rules = {
  "acknowledged-lost": "What was acknowledged is in the log.",
  "recorded-twice": "A command and a message are in the log once.",
  "answer-differs": "An answer says what the log holds, each time it is given.",
  "refused-but-recorded": "What was refused did not happen.",
  "key-of-another": "A key stays with the person who used it first.",
  "never-asked": "Whatever the log holds of a conversation, somebody asked for.",
  "never-sent": "Nothing is read that was never sent.",
  "text-differs": "A text that is read is the one that was written.",
  "log-out-of-order": "Positions rise, revisions and seqs are dense, the time of the log never falls.",
  "order-differs": "Every reader sees a message at the same place.",
  "gap-seen": "From a device's floor on, no message is missing.",
  "not-up-to-date": "Once at rest, a device holds each message as it is now, and its conversations and no others.",
  "unread-differs": "Once at rest, a device counts as unread what lies above its person's mark and is not deleted.",
  "own-write-unseen": "One reads one's own writes.",
  "seen-after-removal": "Nothing is delivered after removal.",
  "real-time-order": "What was asked after an answer came lies behind it in the log.",
  "mark-fell": "Marks rise, and delivered is never below read.",
  "replay-differs": "A replay of the log gives the live read models, byte for byte.",
} as const;

export type Rule = keyof typeof rules;
