import type { ShownEvent } from "./streamEvidence.ts";

/**
 * Whether all content that is said to be erased is covered by an erasure, a redaction or a retention that the same evidence shows. Holds
 * no more than whose content of which days is gone.
 */
export class Coverage {
  /** By what covers it: what an event says in words. */
  readonly #gone = new Map<string, { readonly by: readonly string[]; readonly where: string }>();
  readonly #covering = new Set<string>();
  /** Under whom a conversation's names were sealed so far, by stream. */
  readonly #names = new Map<string, string[]>();

  take({ stream, revision, type, data, sealed }: ShownEvent): void {
    for (const covered of coveredBy(stream, type, data)) this.#covering.add(covered);
    if (type === "ConversationNameRedacted") this.#redacted(stream, data);
    if (sealed?.state !== "erased") return;
    const by = [
      personLine(tenantOf(stream), sealed.subject),
      dayLine(stream, sealed.bucket),
      namesLine(stream, sealed.subject),
    ];
    const key = by.join("\n");
    if (!this.#gone.has(key)) this.#gone.set(key, { by, where: `revision ${revision} of ${stream}` });
  }

  /** What was said of a conversation's names until then is gone; what comes is sealed under another subject. */
  #redacted(stream: string, json: string): void {
    const data: unknown = JSON.parse(json);
    const before = this.#names.get(stream) ?? [stream.slice(-36)];
    for (const subject of before) this.#covering.add(namesLine(stream, subject));
    if (typeof data === "object" && data !== null && "under" in data)
      this.#names.set(stream, [...before, String(data.under)]);
  }

  /** Where content is gone and nothing in the log is shown that took it; by the first event of each kind. */
  uncovered(): string[] {
    return [...this.#gone.values()]
      .filter(({ by }) => !by.some((line) => this.#covering.has(line)))
      .map(({ where }) => where);
  }
}

const tenantOf = (stream: string): string => stream.slice(0, stream.indexOf("/"));
const personLine = (tenant: string, userId: string): string => `person ${tenant} ${userId}`;
const namesLine = (stream: string, subject: string): string => `names ${stream} ${subject}`;
const dayLine = (stream: string, day: string): string => `day ${stream} ${day}`;

function coveredBy(stream: string, type: string, json: string): string[] {
  if (type !== "ErasureRequested" && type !== "MessagesExpired") return [];
  const data: unknown = JSON.parse(json);
  if (typeof data !== "object" || data === null) return [];
  if (type === "ErasureRequested" && stream.startsWith(`${tenantOf(stream)}/compliance-`))
    return "userId" in data && typeof data.userId === "string" ? [personLine(tenantOf(stream), data.userId)] : [];
  const days = "stream" in data && data.stream === stream && "days" in data ? data.days : [];
  return Array.isArray(days) ? days.map((day: unknown) => dayLine(stream, String(day))) : [];
}
