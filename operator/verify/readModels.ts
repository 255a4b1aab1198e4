import type { Database } from "../../infra/ports/database.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import { projections } from "../../projections/all.ts";
import { checkpoints, dropGeneration, nextOf } from "../../projections/generations.ts";
import type { Difference } from "../../projections/rebuild/compare.ts";
import { RebuildRunning, RebuildStuck } from "../../projections/rebuild/faults.ts";
import { type Rebuilt, rebuild } from "../../projections/rebuild/rebuild.ts";
import type { Deviation } from "./findings.ts";

export interface ReadModelsCompared {
  /** Tables with all their rows. */
  readonly tables: number;
  readonly rows: number;
  /** Why some could not be compared; that says nothing about them. */
  readonly notCompared: string | null;
}

/**
 * Folds every read model anew beside the live one, compares row by row, and takes away what it made. A projector must
 * run, in whatever process.
 */
export async function verifyReadModels(
  parts: { readonly database: Database; readonly log: EventLog },
  add: (deviation: Deviation) => void,
  { step, signal }: { step: (events: number) => void; signal?: AbortSignal },
): Promise<ReadModelsCompared> {
  const begunBefore = new Set((await checkpoints(parts.database)).map(({ schema }) => schema));
  let rebuilt: readonly Rebuilt[];
  try {
    rebuilt = await rebuild(parts, projections, {
      verifyOnly: true,
      onProgress: ({ events }) => step(events),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    // What another rebuild has built so far is its own.
    if (!(error instanceof RebuildRunning))
      for (const schema of projections.map(({ name }) => nextOf(name)))
        if (!begunBefore.has(schema)) await dropGeneration(parts.database, schema);
    if (error instanceof RebuildRunning || error instanceof RebuildStuck)
      return { tables: 0, rows: 0, notCompared: error.message };
    throw error;
  }
  for (const { name, tables, differences } of rebuilt)
    for (const { table, differences: count } of tables.filter((one) => one.differences > 0)) {
      const first = differences.find((one) => one.table === table);
      add({
        rule: "a read model holds what the log gives",
        found: `${name}.${table} differs in ${count}${first ? `, at first in ${told(first)}` : ""}: see scripta rebuild ${name} --verify-only`,
      });
    }
  const stale = rebuilt.filter(({ outcome }) => outcome === "stale").map(({ name }) => name);
  const compared = rebuilt.flatMap(({ tables }) => tables);
  return {
    tables: compared.length,
    rows: compared.reduce((sum, { rows }) => sum + rows, 0),
    notCompared: stale.length > 0 ? `${stale.join(", ")} are of another version, and are folded anew just now` : null,
  };
}

function told({ key, live, rebuilt }: Difference): string {
  if (live === null) return `${key}, which is missing`;
  return rebuilt === null ? `${key}, which the log does not give` : `${key}, which the log gives otherwise`;
}
