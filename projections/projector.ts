import { setTimeout as pause } from "node:timers/promises";
import type { Database, Queryable } from "../infra/ports/database.ts";
import type { Batch, EventLog } from "../infra/ports/eventLog.ts";
import { applyTogether } from "./apply.ts";
import { type Generation, installGeneration, installOperations } from "./generations.ts";
import { decode, type Logged, type Unreadable } from "./logged.ts";
import { createMilestones } from "./milestones.ts";
import { listParked, type Parked, unpark } from "./parking.ts";
import type { Projection } from "./projection.ts";

/** A run of the log that all read models now hold. */
export interface Committed {
  readonly events: readonly (Logged | Unreadable)[];
  /** Position up to which every read model has come. */
  readonly checkpoint: number;
}

/** Keeps the read models of one log. Of several processes one projects; the others learn of its commits. */
export interface Projector {
  /** Makes the tables that are missing, then projects (or follows) until stopped. */
  start(): Promise<void>;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
  /** The lowest position among the read models, as far as this process knows. */
  checkpoint(): number;
  /** True once every read model has come to the position; false when that takes longer. */
  waitFor(position: number, timeoutMs: number): Promise<boolean>;
  /** How far behind the log's head: positions, and milliseconds between what was recorded last and what is held. */
  lag(): Promise<{ readonly events: number; readonly ms: number }>;
  /** Streams that wait for somebody to look, by read model. */
  parked(): Promise<Parked[]>;
  /** Applies in one transaction what waited; false if nothing did. @throws where it still cannot be folded */
  unpark(schema: string, stream: string): Promise<boolean>;
  /** In log order, after each commit, in every process. Listeners must be quick. Gives the way to stop listening. */
  onCommitted(listener: (batch: Committed) => void): () => void;
}

interface ProjectorParts {
  readonly log: EventLog;
  readonly database: Database;
  readonly projections: readonly Projection[];
  /** Told of what is tried again: a lost link, another projector. */
  readonly onProblem: (error: unknown) => void;
}

const CHANNEL = "scripta_projected";
/** Held by the one process that projects. */
const PROJECTING = 7_301_002;
const LARGEST_BATCH = 1000;
const TAKE_OVER_MS = 1000;
const FOLLOW_MS = 500;
const HEARTBEAT_MS = 2000;

export function createProjector({ log, database, projections, onProblem }: ProjectorParts): Projector {
  const milestones = createMilestones();
  const listeners = new Set<(batch: Committed) => void>();
  const stopping = new AbortController();
  const schemas = projections.map(({ name }) => name);
  let generations: Generation[] = [];
  let running: Promise<void> = Promise.resolve();
  /** Up to where listeners were told. */
  let told = 0;
  let heldSince = 0;
  let wake = () => {};
  let announcing: Promise<void> | undefined;

  const lowest = () => Math.min(...generations.map(({ position }) => position));

  function tell(events: readonly (Logged | Unreadable)[], checkpoint: number): void {
    milestones.reach(checkpoint);
    const fresh = events.filter(({ position }) => position > told && position <= checkpoint);
    told = Math.max(told, checkpoint);
    heldSince = fresh.at(-1)?.recordedAt ?? heldSince;
    if (fresh.length > 0) for (const listener of listeners) listener({ events: fresh, checkpoint });
  }

  /** Tells from the log what was committed without this process taking part. */
  async function tellUpTo(checkpoint: number): Promise<void> {
    if (checkpoint <= told) return milestones.reach(checkpoint);
    milestones.reach(checkpoint);
    let events: (Logged | Unreadable)[] = [];
    for await (const recorded of log.readAll(told)) {
      if (recorded.position > checkpoint) break;
      events.push(decode(recorded));
      if (events.length < LARGEST_BATCH) continue;
      tell(events, recorded.position);
      events = [];
    }
    tell(events, checkpoint);
  }

  /** One notice under way at a time; what commits meanwhile goes with the next. */
  function announce(): void {
    announcing ??= (async () => {
      for (let announced = -1; announced < milestones.reached() && !stopping.signal.aborted; ) {
        announced = milestones.reached();
        await database.query("select pg_notify($1, $2)", [CHANNEL, String(announced)], "projector-announce");
      }
    })()
      .catch(onProblem)
      .finally(() => {
        announcing = undefined;
      });
  }

  async function onBatch({ events }: Batch): Promise<void> {
    for (let start = 0; start < events.length; start += LARGEST_BATCH) {
      const batch = events.slice(start, start + LARGEST_BATCH).map(decode);
      const upTo = batch.at(-1)?.position ?? 0;
      const behind = generations.filter(({ position }) => position < upTo);
      for (const [from, together] of Map.groupBy(behind, ({ position }) => position))
        await applyTogether(database, together, from < (batch[0]?.position ?? 0) ? batch : after(batch, from), upTo);
      tell(batch, lowest());
      announce();
    }
  }

  async function loadPositions(queryable: Queryable): Promise<void> {
    const { rows } = await queryable.query<{ schema: string; position: number }>(
      "select schema, position from ops.checkpoints where schema = any($1::text[])",
      [schemas],
      "projector-positions",
    );
    const positions = new Map(rows.map(({ schema, position }) => [schema, position]));
    for (const generation of generations) generation.position = positions.get(generation.schema) ?? 0;
  }

  /** Projects until stopped, or until something fails. False at once where another process projects. */
  const lead = () =>
    database.transaction(async (lease) => {
      const { rows } = await lease.query<{ ours: boolean }>("select pg_try_advisory_xact_lock($1) as ours", [
        PROJECTING,
      ]);
      if (!rows[0]?.ours) return false;
      await loadPositions(database);
      await tellUpTo(lowest());
      const subscription = log.subscribe(lowest(), onBatch);
      const beating = new AbortController();
      try {
        await Promise.race([subscription.ended, aborted(stopping.signal), beat(lease, beating.signal)]);
      } finally {
        beating.abort();
        await subscription.stop();
      }
      return true;
    });

  /** The lease is the lock of a transaction: it is lost with its connection. */
  async function beat(lease: Queryable, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(HEARTBEAT_MS, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await lease.query("select 1");
    }
  }

  async function follow(): Promise<void> {
    const until = Date.now() + TAKE_OVER_MS;
    while (!stopping.signal.aborted && Date.now() < until) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await loadPositions(database);
      await tellUpTo(lowest());
      const sleep = new AbortController();
      await Promise.race([
        woken,
        aborted(stopping.signal),
        pause(FOLLOW_MS, undefined, { signal: sleep.signal }).catch(() => {}),
      ]);
      sleep.abort();
    }
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      try {
        if (!(await lead())) await follow();
        failures = 0;
      } catch (error) {
        onProblem(error);
        if (Date.now() - startedAt > 10_000) failures = 0;
        const waitMs = Math.min(5000, 50 * 2 ** failures++);
        await pause(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
      }
    }
  }

  let listening: { stop(): Promise<void> } | undefined;

  return {
    async start() {
      await installOperations(database);
      const epoch = await log.epoch();
      generations = [];
      for (const projection of projections) generations.push(await installGeneration(database, projection, epoch));
      const head = await log.head();
      const beyond = generations.find(({ position }) => position > head.position);
      if (beyond)
        throw new Error(
          `the read model ${beyond.schema} is at position ${beyond.position}, the log ends at ${head.position}: ` +
            "the log lost events that were projected; raise its epoch (scripta epoch raise)",
        );
      told = lowest();
      heldSince = 0;
      milestones.reach(told);
      listening = await database.listen(CHANNEL, () => wake());
      running = run();
    },
    async stop() {
      stopping.abort();
      milestones.close();
      await running;
      await announcing;
      await listening?.stop();
    },
    checkpoint: milestones.reached,
    waitFor: milestones.waitFor,
    async lag() {
      const head = await log.head();
      const events = Math.max(0, head.position - milestones.reached());
      return { events, ms: events === 0 || heldSince === 0 ? 0 : Math.max(0, head.recordedAt - heldSince) };
    },
    parked: () => listParked(database, schemas),
    async unpark(schema, stream) {
      const generation = generations.find((known) => known.schema === schema);
      if (!generation) throw new Error(`no read model is named ${schema}`);
      return unpark(database, log, generation, stream);
    },
    onCommitted(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const after = (events: readonly (Logged | Unreadable)[], position: number) =>
  events.filter((event) => event.position > position);

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
