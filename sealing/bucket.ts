/**
 * The bucket that a day's content is sealed in: the UTC day of the later of two times, since the log's own time never
 * goes back when a clock does.
 * @param now milliseconds since 1970
 * @param lastRecordedAt of the log's head, likewise
 */
export const dayBucket = (now: number, lastRecordedAt: number): string =>
  new Date(Math.max(now, lastRecordedAt)).toISOString().slice(0, 10);
