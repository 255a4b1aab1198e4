import type { FastifyRequest } from "fastify";

/** One JSON value a line. */
export const LINES = "application/x-ndjson";

export const wantsLines = ({ headers: { accept = "" } }: FastifyRequest): boolean =>
  accept.split(",").some((type) => type.split(";")[0]?.trim().toLowerCase() === LINES);

/** The items of a page, each on a line of its own; nothing where there are none. */
export function jsonLines(page: unknown): string {
  const items = typeof page === "object" && page !== null && "items" in page ? page.items : [];
  return Array.isArray(items) ? items.map((item) => `${JSON.stringify(item)}\n`).join("") : "";
}
