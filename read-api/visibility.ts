import type { HistoryVisibility } from "../domain/conversation/events.ts";
import { isMember, type Membership } from "../domain/conversation/visibility.ts";
import type { SeqRange } from "../projections/history/queries.ts";

/** The seqs for which `visible` holds, as ranges that a statement can walk; held to it by a property. */
export function visibleRanges(memberships: readonly Membership[], historyVisibility: HistoryVisibility): SeqRange[] {
  if (!isMember(memberships)) return [];
  if (historyVisibility === "all") return [{ from: 1, to: null }];
  return memberships
    .map(({ afterSeq, lastSeq }) => ({ from: afterSeq + 1, to: lastSeq }))
    .filter(({ from, to }) => to === null || to >= from);
}

/** What of the ranges lies between two seqs, both included. */
export function clip(ranges: readonly SeqRange[], from: number, to: number | null): SeqRange[] {
  return ranges.flatMap((range) => {
    const low = Math.max(range.from, from);
    const high = range.to === null ? to : to === null ? range.to : Math.min(range.to, to);
    return high !== null && high < low ? [] : [{ from: low, to: high }];
  });
}
