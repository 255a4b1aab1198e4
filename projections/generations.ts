import { readFile } from "node:fs/promises";
import type { Database, Queryable, Transaction } from "../infra/ports/database.ts";
import type { Projection } from "./projection.ts";

/** One folded instance of a read model, in a Postgres schema of its own, with its place in the log. */
export interface Generation {
  readonly projection: Projection;
  readonly schema: string;
  position: number;
  /** How rows come in where it is not one statement for each few. */
  readonly insert?: InsertRows;
  /** Found to be no more where it was: it took another one's place, or was given up. */
  gone?: boolean;
}

export type InsertRows = (tx: Transaction, table: string, rows: readonly object[]) => Promise<void>;

/** What `ops.checkpoints` says of one generation. */
export interface Checkpoint {
  readonly schema: string;
  readonly projection: string;
  readonly version: number;
  readonly epoch: number;
  readonly position: number;
  readonly phase: "live" | "folding" | "joined";
}

/** Where the second generation of a read model is built. */
export const nextOf = (name: string): string => `${name}__next`;
/** Where the first one goes, to be dropped. */
export const oldOf = (name: string): string => `${name}__old`;

export const checkpoints = async (queryable: Queryable): Promise<Checkpoint[]> =>
  (
    await queryable.query<Checkpoint>(
      "select schema, projection, version, epoch, position, phase from ops.checkpoints order by schema",
      [],
      "checkpoints",
    )
  ).rows;

/** Folded by this program, in this history of the log: it may move on. Any other is read as it stands, and rebuilt. */
export const isCurrent = (checkpoint: Checkpoint, projection: Projection, epoch: number): boolean =>
  checkpoint.version === projection.version && checkpoint.epoch === epoch;

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
 * Makes the live generation where there is none. One of another version, or of another history of the log, stays as it
 * is until a rebuild takes its place; unless it holds what the log has lost: then it starts from nothing.
 * @param head where the log ends
 */
export async function installGeneration(
  database: Database,
  projection: Projection,
  epoch: number,
  head = Number.POSITIVE_INFINITY,
): Promise<Generation> {
  const schema = projection.name;
  const { tables, indexes } = await definition(projection);
  const position = await database.transaction(async (tx) => {
    await tx.query("select pg_advisory_xact_lock($1)", [INSTALLING]);
    const there = await lockCheckpoint(tx, schema);
    if (there && (there.epoch === epoch || there.position <= head)) return there.position;
    await create(tx, { projection, schema, epoch, phase: "live" }, [tables, ...indexes]);
    return 0;
  });
  return { projection, schema, position };
}

/** The second generation, as far as it was built; a new one where there is none, or one that does not fit any more. */
export async function installNext(database: Database, projection: Projection, epoch: number): Promise<Checkpoint> {
  const schema = nextOf(projection.name);
  const { tables } = await definition(projection);
  return database.transaction(async (tx) => {
    await tx.query("select pg_advisory_xact_lock($1)", [INSTALLING]);
    const there = await lockCheckpoint(tx, schema);
    if (there && isCurrent(there, projection, epoch)) return there;
    await create(tx, { projection, schema, epoch, phase: "folding" }, [tables]);
    const { name, version } = projection;
    return { schema, projection: name, version, epoch, position: 0, phase: "folding" };
  });
}

/** Makes those of its indexes that folding can do without; does nothing where they are there. */
export async function installIndexes(database: Database, projection: Projection, schema: string): Promise<void> {
  const { indexes } = await definition(projection);
  for (const index of indexes)
    await database.transaction(async (tx) => {
      await tx.query(`set local search_path to ${schema}; set local maintenance_work_mem = '128MB'`);
      await tx.query(index.replace(/^create index /, "create index if not exists "));
    });
  const { rows } = await database.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = $1",
    [schema],
  );
  for (const { name } of rows) await database.query(`analyze ${schema}.${name}`);
}

/** Takes a generation away that is not read. */
export async function dropGeneration(database: Database, schema: string): Promise<boolean> {
  const { rowCount } = await database.query("delete from ops.checkpoints where schema = $1 and phase <> 'live'", [
    schema,
  ]);
  await database.query(`drop schema if exists ${schema} cascade`);
  return rowCount > 0;
}

const INDEX = /^create index [^;]*;$/gm;

async function definition({ schema }: Projection): Promise<{ tables: string; indexes: readonly string[] }> {
  const sql = await readFile(schema, "utf8");
  return { tables: sql.replace(INDEX, ""), indexes: sql.match(INDEX) ?? [] };
}

async function create(
  tx: Queryable,
  { projection, schema, epoch, phase }: Pick<Generation, "projection" | "schema"> & Pick<Checkpoint, "epoch" | "phase">,
  statements: readonly string[],
): Promise<void> {
  await tx.query(
    `drop schema if exists ${schema} cascade; create schema ${schema}; set local search_path to ${schema}`,
  );
  for (const statement of statements) await tx.query(statement);
  await tx.query("delete from ops.checkpoints where schema = $1", [schema]);
  await tx.query(
    "insert into ops.checkpoints (schema, projection, version, epoch, position, phase) values ($1, $2, $3, $4, 0, $5)",
    [schema, projection.name, projection.version, epoch, phase],
  );
}

/** One whose tables are gone promises what is not there, and counts for nothing. */
async function lockCheckpoint(tx: Queryable, schema: string): Promise<Checkpoint | undefined> {
  const { rows } = await tx.query<Checkpoint>(
    `select schema, projection, version, epoch, position, phase from ops.checkpoints
     where schema = $1 and exists (select from pg_namespace where nspname = $1) for update`,
    [schema],
  );
  return rows[0];
}
