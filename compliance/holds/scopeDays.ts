import type { HoldScope } from "../../domain/compliance/events.ts";

const DAY_MS = 86_400_000;
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/**
 * The days whose buckets can hold what was recorded from one time to another: content is sealed in the bucket of its own
 * day or of the day before.
 */
export const scopeDays = ({ from, to }: Pick<HoldScope, "from" | "to">) => ({
  fromDay: from === undefined ? null : dayOf(Date.parse(from) - DAY_MS),
  toDay: to === undefined ? null : dayOf(Date.parse(to)),
});
