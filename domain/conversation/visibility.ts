import type { HistoryVisibility } from "./events.ts";

/** A stretch of membership: from after a message to a message, or still on. */
export interface Membership {
  readonly afterSeq: number;
  /** The last message within it; null while it lasts. */
  readonly lastSeq: number | null;
}

/**
 * Who sees what: the one rule behind every door. Whoever is not a member now sees nothing; a member sees the messages
 * sent within one of the own memberships, or every message where the history is open to all.
 * `memberships` are one person's in one conversation, in order.
 */
export function visible(
  memberships: readonly Membership[],
  historyVisibility: HistoryVisibility,
  seq: number,
): boolean {
  if (!isMember(memberships)) return false;
  if (historyVisibility === "all") return true;
  return memberships.some(({ afterSeq, lastSeq }) => seq > afterSeq && (lastSeq === null || seq <= lastSeq));
}

export const isMember = (memberships: readonly Membership[]): boolean => memberships.at(-1)?.lastSeq === null;

/** The first seq of the present membership that counts as its own: what lies before is history, or not one's own. */
export function firstSeq(memberships: readonly Membership[], historyVisibility: HistoryVisibility): number {
  return historyVisibility === "all" ? 1 : (memberships.at(-1)?.afterSeq ?? 0) + 1;
}
