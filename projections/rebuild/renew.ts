import { setTimeout as pause } from "node:timers/promises";
import { checkpoints, isCurrent } from "../generations.ts";
import type { Projection } from "../projection.ts";
import { RebuildRunning } from "./faults.ts";
import { type Progress, type RebuildParts, rebuild } from "./rebuild.ts";

interface Renewing extends RebuildParts {
  readonly projections: readonly Projection[];
  /** Told when it begins and now and then. */
  readonly onProgress: (at: Progress) => void;
  readonly onRenewed: (names: readonly string[]) => void;
  /** Told of what is tried again. */
  readonly onProblem: (error: unknown) => void;
}

/** So few that the service answers in between. */
const BATCH = 500;
const REST_MS = 2;
const TOLD_EVERY_MS = 5_000;
const AGAIN_MS = 2_000;

/**
 * Rebuilds in the background what another version of this program folded, or this one in another history of the log.
 * Until each is swapped it is read as it stands, and no device is told of anything beyond it.
 */
export function renewStale({ log, database, projections, onProgress, onRenewed, onProblem }: Renewing) {
  const stopping = new AbortController();
  const { signal } = stopping;

  async function stale(): Promise<Projection[]> {
    const epoch = await log.epoch();
    const all = await checkpoints(database);
    return projections.filter((projection) => {
      const live = all.find(({ schema }) => schema === projection.name);
      return live !== undefined && !isCurrent(live, projection, epoch);
    });
  }

  async function renew(some: readonly Projection[]): Promise<void> {
    let toldAt = Number.NEGATIVE_INFINITY;
    const tell = (at: Progress) => {
      if (performance.now() - toldAt < TOLD_EVERY_MS) return;
      toldAt = performance.now();
      onProgress(at);
    };
    await rebuild({ log, database }, some, { batchSize: BATCH, restMs: REST_MS, signal, onProgress: tell });
    onRenewed(some.map(({ name }) => name));
  }

  async function run(): Promise<void> {
    while (!signal.aborted)
      try {
        const some = await stale();
        if (some.length === 0) return;
        await renew(some);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof RebuildRunning)) onProblem(error);
        await pause(AGAIN_MS, undefined, { signal }).catch(() => {});
      }
  }

  const running = run();
  return {
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
  };
}
