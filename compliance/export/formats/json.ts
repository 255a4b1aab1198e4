import type { Format } from "./format.ts";

/** JSON lines: an entry a line, with the name of whom it is about. */
export const json: Format = {
  tells: ["conversation", "receipts", "user", "tenant"],
  async *render({ kind, of, entries, nameOf }) {
    const path = `json/${kind}-${of}.jsonl`;
    for await (const entry of entries) {
      const { what, of: id, revision, recordedAt, personId, ...others } = entry;
      const person = personId === null ? null : nameOf(personId);
      yield { path, text: `${JSON.stringify({ what, of: id, revision, recordedAt, personId, person, ...others })}\n` };
    }
  },
};
