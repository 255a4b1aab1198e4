import { setTimeout as pause } from "node:timers/promises";
import type { Database, Queryable } from "../../infra/ports/database.ts";
import { type Checkpoint, checkpoints, nextOf } from "../generations.ts";
import { JOINED, PROJECTED } from "../notices.ts";
import type { Projection } from "../projection.ts";
import { RebuildGivenUp, RebuildStuck } from "./faults.ts";

/** A read model's two generations, where they stand. */
export interface Pair {
  /** Absent where something dropped it. */
  readonly live: Checkpoint | undefined;
  readonly next: Checkpoint;
}

/** @throws RebuildGivenUp */
export async function pairOf(queryable: Queryable, { name }: Projection): Promise<Pair> {
  const all = await checkpoints(queryable);
  const next = all.find(({ schema }) => schema === nextOf(name));
  if (!next) throw new RebuildGivenUp(`the rebuild of ${name} was given up`);
  return { live: all.find(({ schema }) => schema === name), next };
}

/** From now on the projector moves it, in whatever process. */
export async function handOver(database: Database, { name }: Projection): Promise<void> {
  await database.query("update ops.checkpoints set phase = 'joined' where schema = $1", [nextOf(name)]);
  await database.query("select pg_notify($1, $2)", [PROJECTED, JOINED]);
}

const LOOK_EVERY_MS = 25;
const STANDS_STILL_MS = 20_000;

/** Resolves once both generations stand at the same position, or, beside one that is not moved, at the log's head. */
export async function inStep(
  database: Database,
  projection: Projection,
  { head, signal }: { readonly head: number | undefined; readonly signal: AbortSignal },
): Promise<void> {
  let movedAt = performance.now();
  for (let before = -1; ; ) {
    signal.throwIfAborted();
    const { live, next } = await pairOf(database, projection);
    if (head === undefined ? live?.position === next.position : next.position >= head) return;
    if (next.position !== before) movedAt = performance.now();
    before = next.position;
    if (performance.now() - movedAt > STANDS_STILL_MS)
      throw new RebuildStuck(
        `${projection.name} is rebuilt up to position ${next.position}, and no process projects from there on ` +
          `(the live one stands at ${live?.position ?? "none"}): is a server of another version running?`,
      );
    await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => {});
  }
}
