import type { Logged } from "../logged.ts";

/** What changes messages. */
export const historyEvents = [
  "MessageSent",
  "MessageEdited",
  "MessageDeleted",
  "ReactionAdded",
  "ReactionRemoved",
  "AcknowledgementRequested",
  "MessageAcknowledged",
  "AcknowledgementFellDue",
] as const;
export type HistoryEvent = Extract<Logged, { type: (typeof historyEvents)[number] }>;
