import { setTimeout as pause } from "node:timers/promises";
import type { Database } from "../../infra/ports/database.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import {
  checkpoints,
  dropGeneration,
  type Generation,
  installIndexes,
  installNext,
  isCurrent,
  nextOf,
  oldOf,
} from "../generations.ts";
import type { Projection } from "../projection.ts";
import { type Comparison, compare, noteDiffering } from "./compare.ts";
import { copyRows } from "./copyRows.ts";
import { RebuildGivenUp, RebuildStopped } from "./faults.ts";
import { foldLog } from "./foldLog.ts";
import { withLease } from "./lease.ts";
import { handOver, inStep, pairOf } from "./step.ts";
import { swap } from "./swap.ts";

export interface RebuildParts {
  readonly log: EventLog;
  readonly database: Database;
}

export interface Progress {
  readonly doing: "folding" | "indexing" | "comparing" | "swapping";
  /** Of which read models. */
  readonly names: readonly string[];
  /** Events folded since the last that was told. */
  readonly events: number;
  /** Position up to which the slowest has come. */
  readonly position: number;
  /** Where the log ended when it was last looked at. */
  readonly head: number;
}

export interface RebuildOptions {
  /** Compares and drops what was built. */
  readonly verifyOnly?: boolean;
  /** Swaps where live rows are other than the log gives, too. */
  readonly replace?: boolean;
  /** Events in one transaction: the more, the faster; the fewer, the better this process answers meanwhile. */
  readonly batchSize?: number;
  /** After each batch. */
  readonly restMs?: number;
  /** Differences shown of one table at most. */
  readonly shown?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (at: Progress) => void;
}

export interface Rebuilt extends Comparison {
  readonly name: string;
  /**
   * `stale`: the live one is of another version or history of the log, so there is nothing to compare; `replaced`: such
   * a one was.
   */
  readonly outcome: "swapped" | "replaced" | "equal" | "differs" | "stale";
}

const BATCH = 10_000;
const LONGEST_REST_MS = 1_000;
const SHOWN = 20;
/** So few events are folded while they come, beside the live ones. */
const NEAR = 1_000;

/**
 * Folds the log into a second generation of each read model beside the live one, compares the two, and swaps them. What
 * was built by one that was stopped or killed is taken up where it was.
 * @throws RebuildRunning, RebuildGivenUp, RebuildStopped, RebuildStuck
 */
export function rebuild(
  { log, database }: RebuildParts,
  projections: readonly Projection[],
  options: RebuildOptions = {},
): Promise<Rebuilt[]> {
  const { verifyOnly = false, replace = false, batchSize = BATCH, restMs = 0, shown = SHOWN } = options;
  const { onProgress = () => {}, signal: stop = new AbortController().signal } = options;
  const names = projections.map(({ name }) => name);

  async function build(signal: AbortSignal): Promise<void> {
    const epoch = await log.epoch();
    const generations: Generation[] = [];
    for (const projection of projections) {
      await database.query(`drop schema if exists ${oldOf(projection.name)} cascade`);
      const { schema, position, phase } = await installNext(database, projection, epoch);
      if (phase !== "folding") continue;
      generations.push({ projection, schema, position, insert: await copyRows(database, schema) });
    }
    if (generations.length === 0) return;
    let { position: head } = await log.head();
    const at = (doing: Progress["doing"], events = 0) => {
      const position = Math.min(...generations.map(({ position }) => position));
      onProgress({ doing, names: generations.map(({ projection: { name } }) => name), events, position, head });
    };
    const nearTheHead = async () => {
      for (let folded = NEAR; folded >= NEAR; ) {
        ({ position: head } = await log.head());
        let restedAt = performance.now();
        const onFolded = async (events: number) => {
          at("folding", events);
          const before = head;
          ({ position: head } = await log.head());
          // Where people write, they come first: half of the time is theirs.
          const tookMs = performance.now() - restedAt;
          await pause(restMs + (head > before ? Math.min(LONGEST_REST_MS, tookMs) : 0));
          restedAt = performance.now();
        };
        folded = await foldLog({ log, database, batchSize, signal, onFolded }, generations);
        throwIfStopped(signal);
      }
    };
    at("folding");
    await nearTheHead();
    for (const { projection, schema } of generations) {
      at("indexing");
      await installIndexes(database, projection, schema);
      throwIfStopped(signal);
    }
    await nearTheHead();
    for (const { projection } of generations) await handOver(database, projection);
  }

  async function finish(projection: Projection, signal: AbortSignal): Promise<Rebuilt> {
    const { name } = projection;
    const at = async (doing: Progress["doing"]) => {
      const { next } = await pairOf(database, projection);
      onProgress({ doing, names: [name], events: 0, position: next.position, head: (await log.head()).position });
    };
    await at("comparing");
    const { live, next } = await pairOf(database, projection);
    const standsStill = live !== undefined && !isCurrent(live, projection, next.epoch);
    const head = standsStill || !live ? (await log.head()).position : undefined;
    await inStep(database, projection, { head, signal });
    const compared = head === undefined ? await compareThem(projection, signal) : undefined;
    if (verifyOnly) await dropGeneration(database, next.schema);
    if (!compared && verifyOnly) return { name, outcome: "stale", tables: [], differences: [] };
    const differs = compared?.tables.some(({ differences }) => differences > 0) ?? false;
    if (compared && (verifyOnly || (differs && !replace)))
      return { name, outcome: differs ? "differs" : "equal", ...compared };
    if (differs) await noteDiffering(database, name, next.schema);
    await at("swapping");
    while (!(await swap(database, projection, { standsStill: head !== undefined, signal })))
      await inStep(database, projection, { head, signal });
    return compared
      ? { name, outcome: "swapped", ...compared }
      : { name, outcome: "replaced", tables: [], differences: [] };
  }

  async function compareThem(projection: Projection, signal: AbortSignal): Promise<Comparison> {
    for (;;) {
      throwIfStopped(signal);
      const comparison = await database.transaction(async (tx) => {
        const { live, next } = await pairOf(tx, projection);
        if (live?.position !== next.position) return undefined;
        return compare(tx, live.schema, next.schema, shown);
      }, "snapshot");
      if (comparison) return comparison;
      await inStep(database, projection, { head: undefined, signal });
    }
  }

  return withLease(database, names, stop, async (signal) => {
    const rebuilt: Rebuilt[] = [];
    try {
      await build(signal);
      for (const projection of projections) {
        throwIfStopped(signal);
        rebuilt.push(await finish(projection, signal));
      }
      return rebuilt;
    } catch (error) {
      throwIfStopped(signal);
      // Whatever failed for want of the tables: somebody took them away.
      const there = new Set((await checkpoints(database).catch(() => [])).map(({ schema }) => schema));
      const missing = names.slice(rebuilt.length).find((name) => there.size > 0 && !there.has(nextOf(name)));
      if (missing && !(error instanceof RebuildGivenUp))
        throw new RebuildGivenUp(`the rebuild of ${missing} was given up`, { cause: error });
      throw error;
    }
  });
}

function throwIfStopped(signal: AbortSignal): void {
  if (!signal.aborted) return;
  if (signal.reason instanceof Error && signal.reason.name !== "AbortError") throw signal.reason;
  throw new RebuildStopped("stopped: the same command goes on from here");
}
