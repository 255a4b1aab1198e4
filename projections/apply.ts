import type { StreamId } from "../domain/ids.ts";
import type { Database, Queryable, Transaction } from "../infra/ports/database.ts";
import type { Generation, InsertRows } from "./generations.ts";
import { type Logged, type Unreadable, unitOf } from "./logged.ts";
import type { Tables } from "./projection.ts";

/** A fold that fails on these events however often it is tried. */
class PoisonedBatch extends Error {
  override name = "PoisonedBatch";
}

/** Somebody else moved the checkpoint: this process projects no more. */
export class Fenced extends Error {
  override name = "Fenced";
}

/** Data that does not fit and constraints that do not hold come back on every try; all else may pass. */
const DETERMINISTIC = /^(22|23|P0)/;

const sqlState = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" && /^[0-9A-Z]{5}$/.test(error.code)
    ? error.code
    : undefined;

/** The tables of a generation; tells what the fold threw from what the link to the database did. */
function tablesOf(tx: Transaction, { schema, insert = insertAsJson(schema) }: Pick<Generation, "schema" | "insert">) {
  let link: unknown;
  const watched = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (!DETERMINISTIC.test(sqlState(error) ?? "")) link = error;
      throw error;
    }
  };
  const tables: Tables = {
    query: (sql, params, name) => watched(tx.query(sql, params, name)),
    send: tx.send,
    insert: (table, rows) => watched(insert(tx, table, rows)),
  };
  return { tables, linkFailed: () => link !== undefined };
}

const insertAsJson =
  (schema: string): InsertRows =>
  async (tx, table, rows) => {
    tx.send(
      `insert into ${schema}.${table} select * from json_populate_recordset(null::${schema}.${table}, $1)`,
      [JSON.stringify(rows)],
      `${schema}-insert-${table}`,
    );
  };

/** A stream was just parked in a read model, for good until somebody looks. */
export interface JustParked {
  readonly schema: string;
  readonly stream: StreamId;
  /** The event that could not be folded. */
  readonly position: number;
  readonly why: string;
}

/**
 * Folds a run of the log into read models that stand at the same position, in one transaction with their checkpoints.
 * What cannot be folded is parked with its stream, in that read model alone.
 * @param onParked told once what was parked is committed
 * @throws Fenced; whatever the database threw where a later try may succeed
 */
export async function applyTogether(
  database: Database,
  generations: readonly Generation[],
  events: readonly (Logged | Unreadable)[],
  upTo: number,
  onParked: (parked: JustParked) => void = () => {},
): Promise<void> {
  try {
    await applyOnce(database, generations, events, upTo, onParked);
  } catch (error) {
    if (!(error instanceof PoisonedBatch)) throw error;
    if (generations.length > 1) {
      for (const generation of generations)
        if (!generation.gone) await applyTogether(database, [generation], events, upTo, onParked);
      return;
    }
    const [first] = events;
    if (events.length === 1 && first) {
      await applyOnce(database, generations, [{ ...first, type: "?", why: describe(error.cause) }], upTo, onParked);
      return;
    }
    const middle = Math.ceil(events.length / 2);
    const half = events.slice(0, middle);
    await applyTogether(database, generations, half, half.at(-1)?.position ?? upTo, onParked);
    await applyTogether(database, generations, events.slice(middle), upTo, onParked);
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

async function applyOnce(
  database: Database,
  generations: readonly Generation[],
  events: readonly (Logged | Unreadable)[],
  upTo: number,
  onParked: (parked: JustParked) => void,
): Promise<void> {
  const from = generations[0]?.position ?? upTo;
  const parkedNow = await database
    .transaction(async (tx) => {
      const parked = await moveCheckpoints(tx, generations, from, upTo);
      const now: JustParked[] = [];
      for (const generation of generations) {
        const units = parked.get(generation.schema);
        if (units) now.push(...(await fold(tx, generation, events, units)));
        else generation.gone = true;
      }
      return now;
    })
    .catch((cause: unknown) => {
      // Of what was only sent, nobody knows yet whose statement it was.
      if (cause instanceof PoisonedBatch || !DETERMINISTIC.test(sqlState(cause) ?? "")) throw cause;
      throw new PoisonedBatch(`one of the read models cannot fold this: ${describe(cause)}`, { cause });
    });
  for (const generation of generations) generation.position = upTo;
  for (const one of parkedNow) onParked(one);
}

async function fold(
  tx: Transaction,
  generation: Generation,
  events: readonly (Logged | Unreadable)[],
  parked: Set<string>,
): Promise<JustParked[]> {
  const { projection, schema } = generation;
  const readable: Logged[] = [];
  const now: JustParked[] = [];
  for (const event of events) {
    if (!projection.streams.includes(event.kind) || (parked.size > 0 && parked.has(unitOf(event)))) continue;
    if (event.type !== "?") readable.push(event);
    else {
      parked.add(unitOf(event));
      await park(tx, schema, event);
      now.push({ schema, stream: unitOf(event), position: event.position, why: event.why });
    }
  }
  await foldReadable(tx, generation, readable);
  return now;
}

/** @throws PoisonedBatch where the events are to blame, and not the link to the database */
export async function foldReadable(
  tx: Transaction,
  generation: Pick<Generation, "projection" | "schema" | "insert">,
  events: readonly Logged[],
): Promise<void> {
  const { projection, schema } = generation;
  const { tables, linkFailed } = tablesOf(tx, generation);
  try {
    await projection.project(events, tables, schema);
  } catch (cause) {
    if (linkFailed()) throw cause;
    throw new PoisonedBatch(`${schema} cannot fold this: ${describe(cause)}`, { cause });
  }
}

/** Moves by compare-and-set, and gives what is parked. A lost commit is caught up from the log, so none is waited for. */
async function moveCheckpoints(tx: Queryable, generations: readonly Generation[], from: number, upTo: number) {
  const { rows } = await tx.query<{ schema: string; parked: string[] }>(
    `update ops.checkpoints c set position = $3 where schema = any($1::text[]) and position = $2
     returning schema, array(select stream from ops.parked p where p.schema = c.schema) as parked,
       set_config('synchronous_commit', 'off', true)`,
    [generations.map(({ schema }) => schema), from, upTo],
    "projector-move-checkpoints",
  );
  if (rows.length !== generations.length) await assertVanished(tx, generations, rows, from);
  return new Map(rows.map(({ schema, parked }) => [schema, new Set(parked)]));
}

/** A second generation that was swapped or given up meanwhile is no loss; anything else is. @throws Fenced */
async function assertVanished(
  tx: Queryable,
  generations: readonly Generation[],
  moved: readonly { readonly schema: string }[],
  from: number,
): Promise<void> {
  const there = new Set(moved.map(({ schema }) => schema));
  const missing = generations.filter(({ schema }) => !there.has(schema));
  const { rows } = await tx.query<{ schema: string }>(
    "select schema from ops.checkpoints where schema = any($1::text[])",
    [missing.map(({ schema }) => schema)],
  );
  if (rows.length > 0 || missing.some(({ schema, projection }) => schema === projection.name))
    throw new Fenced(`the read models are no longer at position ${from}: another process projects`);
}

const park = (tx: Queryable, schema: string, event: Unreadable) =>
  tx.query("insert into ops.parked (schema, stream, position, error) values ($1, $2, $3, $4)", [
    schema,
    unitOf(event),
    event.position,
    event.why,
  ]);
