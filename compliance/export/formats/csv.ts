import type { Entry } from "../entry.ts";
import type { Format, NameOf } from "./format.ts";

type Column = readonly [heading: string, value: (entry: Entry, nameOf: NameOf) => string | number | null];

const columns: readonly Column[] = [
  ["what", ({ what }) => what],
  ["of", ({ of }) => of],
  ["revision", ({ revision }) => revision],
  ["recordedAt", ({ recordedAt }) => recordedAt],
  ["personId", ({ personId }) => personId],
  ["person", ({ personId }, nameOf) => personId && nameOf(personId)],
  ["actorId", ({ actorId }) => actorId],
  ["messageId", ({ messageId }) => messageId],
  ["seq", ({ seq }) => seq],
  ["state", ({ state }) => state],
  ["text", ({ text }) => text],
  ["at", ({ at }) => at],
  ["replyTo", ({ replyTo }) => replyTo],
  ["threadRoot", ({ threadRoot }) => threadRoot],
  ["mentions", ({ mentions }) => mentions.join(" ")],
  ["attachments", ({ attachments }) => attachments.map(({ name, mediaId }) => name ?? mediaId).join("\n")],
  ["details", ({ details }) => (Object.keys(details).length > 0 ? JSON.stringify(details) : null)],
];

/** What a spreadsheet takes for the beginning of a formula, in its narrow and its wide form, or what may hide one. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

/**
 * A cell by RFC 4180. What a spreadsheet would run is made text by an apostrophe before it.
 * @see OWASP, CSV Injection
 */
export function cellOf(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const harmless = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

const row = (cells: readonly (string | number | null)[]): string => `${cells.map(cellOf).join(",")}\r\n`;

/** A table a stream, an entry a row. The byte order mark lets spreadsheets know that it is UTF-8. */
export const csv: Format = {
  tells: ["conversation", "receipts", "user", "tenant"],
  async *render({ kind, of, entries, nameOf }) {
    const path = `csv/${kind}-${of}.csv`;
    yield { path, text: `\ufeff${row(columns.map(([heading]) => heading))}` };
    for await (const entry of entries) yield { path, text: row(columns.map(([, value]) => value(entry, nameOf))) };
  },
};
