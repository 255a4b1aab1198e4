import { readFile } from "node:fs/promises";
import type { Database } from "../infra/ports/database.ts";
import type { Projection } from "./projection.ts";

/** One folded instance of a read model, in a Postgres schema of its own, with its place in the log. */
export interface Generation {
  readonly projection: Projection;
  readonly schema: string;
  position: number;
}

/** Two installers at once would both find nothing there. */
const INSTALLING = 7_301_001;

export async function installOperations(database: Database): Promise<void> {
  const sql = await readFile(new URL("./operations.sql", import.meta.url), "utf8");
  await database.transaction(async (tx) => {
    await tx.query("select pg_advisory_xact_lock($1)", [INSTALLING]);
    await tx.query(sql);
  });
}

/**
 * Makes what is missing. A read model of another version, or of another history of the log, is dropped and starts
 * from nothing: it holds no truth of its own.
 */
export async function installGeneration(
  database: Database,
  projection: Projection,
  epoch: number,
  schema: string = projection.name,
): Promise<Generation> {
  const tables = await readFile(projection.schema, "utf8");
  const position = await database.transaction(async (tx) => {
    await tx.query("select pg_advisory_xact_lock($1)", [INSTALLING]);
    const { rows } = await tx.query<{ version: number; epoch: number; position: number }>(
      "select version, epoch, position from ops.checkpoints where schema = $1 for update",
      [schema],
    );
    const there = rows[0];
    if (there?.version === projection.version && there.epoch === epoch) return there.position;
    await tx.query(
      `drop schema if exists ${schema} cascade; create schema ${schema}; set local search_path to ${schema}`,
    );
    await tx.query(tables);
    await tx.query("delete from ops.checkpoints where schema = $1", [schema]);
    await tx.query(
      "insert into ops.checkpoints (schema, projection, version, epoch, position) values ($1, $2, $3, $4, 0)",
      [schema, projection.name, projection.version, epoch],
    );
    return 0;
  });
  return { projection, schema, position };
}
