import type { Database, Queryable } from "../infra/ports/database.ts";
import type { Generation } from "./generations.ts";
import { type Logged, type Unreadable, unitOf } from "./logged.ts";

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

/** Tells what the fold threw from what the link to the database did. */
function watched(tx: Queryable) {
  let link: unknown;
  const queryable: Queryable = {
    async query(sql, params, name) {
      try {
        return await tx.query(sql, params, name);
      } catch (error) {
        if (!DETERMINISTIC.test(sqlState(error) ?? "")) link = error;
        throw error;
      }
    },
  };
  return { queryable, linkFailed: () => link !== undefined };
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
): Promise<void> {
  try {
    await applyOnce(database, generations, events, upTo);
  } catch (error) {
    if (!(error instanceof PoisonedBatch)) throw error;
    if (generations.length > 1) {
      for (const generation of generations) await applyTogether(database, [generation], events, upTo);
      return;
    }
    const [first] = events;
    if (events.length === 1 && first) {
      await applyOnce(database, generations, [{ ...first, type: "?", why: describe(error.cause) }], upTo);
      return;
    }
    const middle = Math.ceil(events.length / 2);
    const half = events.slice(0, middle);
    await applyTogether(database, generations, half, half.at(-1)?.position ?? upTo);
    await applyTogether(database, generations, events.slice(middle), upTo);
  }
}

const describe = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

async function applyOnce(
  database: Database,
  generations: readonly Generation[],
  events: readonly (Logged | Unreadable)[],
  upTo: number,
): Promise<void> {
  const from = generations[0]?.position ?? upTo;
  await database.transaction(async (tx) => {
    const parked = await moveCheckpoints(tx, generations, from, upTo);
    for (const generation of generations)
      await fold(tx, generation, events, parked.get(generation.schema) ?? new Set());
  });
  for (const generation of generations) generation.position = upTo;
}

async function fold(
  tx: Queryable,
  { projection, schema }: Generation,
  events: readonly (Logged | Unreadable)[],
  parked: Set<string>,
): Promise<void> {
  const readable: Logged[] = [];
  for (const event of events) {
    if (!projection.streams.includes(event.kind) || (parked.size > 0 && parked.has(unitOf(event)))) continue;
    if (event.type !== "?") readable.push(event);
    else {
      parked.add(unitOf(event));
      await park(tx, schema, event);
    }
  }
  await foldReadable(tx, { projection, schema }, readable);
}

/** @throws PoisonedBatch where the events are to blame, and not the link to the database */
export async function foldReadable(
  tx: Queryable,
  { projection, schema }: Pick<Generation, "projection" | "schema">,
  events: readonly Logged[],
): Promise<void> {
  const { queryable, linkFailed } = watched(tx);
  try {
    await projection.project(events, queryable, schema);
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
  if (rows.length !== generations.length)
    throw new Fenced(`the read models are no longer at position ${from}: another process projects`);
  return new Map(rows.map(({ schema, parked }) => [schema, new Set(parked)]));
}

const park = (tx: Queryable, schema: string, event: Unreadable) =>
  tx.query("insert into ops.parked (schema, stream, position, error) values ($1, $2, $3, $4)", [
    schema,
    unitOf(event),
    event.position,
    event.why,
  ]);
