import { SealedName } from "../../domain/user/profile.ts";
import { people } from "../../projections/people/queries.ts";
import type { Entry } from "./entry.ts";
import type { NameOf } from "./formats/format.ts";
import type { ExportParts } from "./parts.ts";

/** What people are called, each asked for once: an archive has one name for a person, whatever is changed meanwhile. */
export class Names {
  readonly #parts: Pick<ExportParts, "database" | "sealing">;
  readonly #tenant: string;
  readonly #known = new Map<string, string | null>();

  constructor(parts: Pick<ExportParts, "database" | "sealing">, tenant: string) {
    this.#parts = parts;
    this.#tenant = tenant;
  }

  readonly of: NameOf = (userId) => this.#known.get(userId) ?? null;

  /** Asks for whoever these entries name. @throws KeysUnavailable */
  async load(entries: readonly Entry[]): Promise<void> {
    const named = entries.flatMap(({ personId, mentions }) => (personId === null ? mentions : [personId, ...mentions]));
    const missing = [...new Set(named)].filter((id) => !this.#known.has(id));
    if (missing.length === 0) return;
    for (const id of missing) this.#known.set(id, null);
    const rows = (await people(this.#parts.database, this.#tenant, missing)).flatMap(({ userId, named: part }) =>
      part ? [{ userId, part }] : [],
    );
    const opened = await this.#parts.sealing.open(rows.map(({ part }) => part));
    for (const [at, { userId }] of rows.entries()) {
      const one = opened[at];
      if (one?.state === "readable") this.#known.set(userId, SealedName.parse(one.content).displayName);
    }
  }

  /** JSON lines, by id. */
  *lines(): Generator<string> {
    for (const userId of [...this.#known.keys()].sort())
      yield `${JSON.stringify({ userId, displayName: this.of(userId) })}\n`;
  }
}
