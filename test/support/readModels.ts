import type { Database } from "../../infra/ports/database.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import { projections } from "../../projections/all.ts";
import type { Projection } from "../../projections/projection.ts";
import { createProjector, type Projector } from "../../projections/projector.ts";

/** A projector that runs, and whose problems fail the test that looks at them. */
export async function startProjector(
  log: EventLog,
  database: Database,
  which: readonly Projection[] = projections,
): Promise<Projector & { readonly problems: unknown[] }> {
  const problems: unknown[] = [];
  const projector = createProjector({
    log,
    database,
    projections: which,
    onProblem: (error) => problems.push(error),
  });
  await projector.start();
  return Object.assign(projector, { problems });
}

export async function caughtUp(projector: Projector, log: EventLog): Promise<void> {
  const { position } = await log.head();
  if (!(await projector.waitFor(position, 15_000)))
    throw new Error(`the read models stand at ${projector.checkpoint()}, the log at ${position}`);
}

/** Every row of every table of a read model, in the order of its key. */
export async function dump(database: Database, schema: string): Promise<Record<string, string[]>> {
  const { rows: tables } = await database.query<{ name: string }>(
    "select table_name as name from information_schema.tables where table_schema = $1 order by 1",
    [schema],
  );
  const dumped: Record<string, string[]> = {};
  for (const { name } of tables) {
    const { rows } = await database.query<{ row: string }>(
      `select t::text as row from ${schema}.${name} t order by t::text collate "C"`,
    );
    dumped[name] = rows.map(({ row }) => row);
  }
  return dumped;
}
