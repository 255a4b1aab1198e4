import { z } from "zod";

/** A moment of the past: a position of the log, or a time (ms since 1970), which is the last position recorded by then. */
export type AsOf = { readonly position: number } | { readonly time: number };

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** `90211` or `2026-11-20T08:00Z`, as it stands in a query or on a command line. */
export const AsOf = z.string().transform((text, context): AsOf => {
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text))) return { position: Number(text) };
  const time = TIME.test(text) && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(time)) return { time };
  context.addIssue({ code: "custom", message: "must be a position, or a time such as 2026-11-20T08:00:00Z" });
  return z.NEVER;
});

/** `Date.parse` takes 31 February for 3 March. */
const isDay = (date: string): boolean => {
  const midnight = Date.parse(`${date}T00:00Z`);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(date);
};
