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

/** A conversation whose rows changed otherwise than by its next events: every device is to have it anew. */
export interface Resynced {
  readonly tenant: string;
  readonly conversationId: string;
  /** Whoever stands before it has not had the conversation anew. */
  readonly position: number;
  /** Names the transaction that changed them. */
  readonly written: string;
}

/** What is worth telling, once it is committed. */
export interface Tidings {
  readonly onParked?: (parked: JustParked) => void;
  /** Of all that lies beyond where the read models stood. */
  readonly onResynced?: (resynced: readonly Resynced[]) => void;
}

/**
 * Folds a run of the log into read models that stand at the same position, in one transaction with their checkpoints.
 * What cannot be folded is parked with its stream, in that read model alone.
 * @throws Fenced; whatever the database threw where a later try may succeed
 */
export async function applyTogether(
  database: Database,
  generations: readonly Generation[],
  events: readonly (Logged | Unreadable)[],
  upTo: number,
  tidings: Tidings = {},
): Promise<void> {
  try {
    await applyOnce(database, generations, events, upTo, tidings);
  } catch (error) {
    if (!(error instanceof PoisonedBatch)) throw error;
    if (generations.length > 1) {
      for (const generation of generations)
        if (!generation.gone) await applyTogether(database, [generation], events, upTo, tidings);
      return;
    }
    const [first] = events;
    if (events.length === 1 && first) {
      await applyOnce(database, generations, [{ ...first, type: "?", why: describe(error.cause) }], upTo, tidings);
      return;
    }
    const middle = Math.ceil(events.length / 2);
    const half = events.slice(0, middle);
    await applyTogether(database, generations, half, half.at(-1)?.position ?? upTo, tidings);
    await applyTogether(database, generations, events.slice(middle), upTo, tidings);
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

async function applyOnce(
  database: Database,
  generations: readonly Generation[],
  events: readonly (Logged | Unreadable)[],
  upTo: number,
  { onParked, onResynced }: Tidings,
): Promise<void> {
  const from = generations[0]?.position ?? upTo;
  const { now, resynced } = await database
    .transaction(async (tx) => {
      const { parked, resynced } = await moveCheckpoints(tx, generations, from, upTo);
      const now: JustParked[] = [];
      for (const generation of generations) {
        const units = parked.get(generation.schema);
        if (units) now.push(...(await fold(tx, generation, events, units)));
        else generation.gone = true;
      }
      return { now, resynced };
    })
    .catch((cause: unknown) => {
      // Of what was only sent, nobody knows yet whose statement it was.
      if (cause instanceof PoisonedBatch || !DETERMINISTIC.test(sqlState(cause) ?? "")) throw cause;
      throw new PoisonedBatch(`one of the read models cannot fold this: ${describe(cause)}`, { cause });
    });
  for (const generation of generations) generation.position = upTo;
  for (const one of now) onParked?.(one);
  if (resynced.length > 0) onResynced?.(resynced);
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

interface Moved {
  readonly schema: string;
  readonly parked: string[];
  readonly resynced: readonly Resynced[];
}

/**
 * Moves by compare-and-set, and gives what is parked and what was un-parked since. A lost commit is caught up from the
 * log, so none is waited for.
 */
async function moveCheckpoints(tx: Queryable, generations: readonly Generation[], from: number, upTo: number) {
  const { rows } = await tx.query<Moved>(
    "select schema, parked, resynced from ops.move_checkpoints($1, $2, $3)",
    [generations.map(({ schema }) => schema), from, upTo],
    "projector-move-checkpoints",
  );
  if (rows.length !== generations.length) await assertVanished(tx, generations, rows, from);
  return {
    parked: new Map(rows.map(({ schema, parked }) => [schema, new Set(parked)])),
    resynced: rows[0]?.resynced ?? [],
  };
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
