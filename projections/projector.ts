import { setTimeout as pause } from "node:timers/promises";
import type { Database, Queryable } from "../infra/ports/database.ts";
import type { Batch, EventLog } from "../infra/ports/eventLog.ts";
import { applyTogether, type JustParked, type Resynced } from "./apply.ts";
import { checkpoints, type Generation, installGeneration, installOperations, isCurrent } from "./generations.ts";
import { decode, type Logged, type Unreadable } from "./logged.ts";
import { createMilestones, type Milestones } from "./milestones.ts";
import { JOINED, PROJECTED, RESYNCED } from "./notices.ts";
import { listParked, type Parked, unpark } from "./parking.ts";
import type { Projection } from "./projection.ts";

/** A run of the log that all read models now hold. */
export interface Committed {
  readonly events: readonly (Logged | Unreadable)[];
  /** Position up to which every read model has come. */
  readonly checkpoint: number;
  /** Conversations that every device is to have anew, by catching up from the cursor that it had before this batch. */
  readonly resynced: readonly Resynced[];
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

interface Live extends Generation {
  /** Of another version or another history of the log: read as it stands until a rebuild takes its place. */
  stale: boolean;
}

interface ProjectorParts {
  readonly log: EventLog;
  readonly database: Database;
  readonly projections: readonly Projection[];
  /** How far all read models have come; its own where nobody else asks. */
  readonly milestones?: Milestones;
  /** Told of what is tried again: a lost link, another projector. */
  readonly onProblem: (error: unknown) => void;
  /** Told once of each stream that is parked here: somebody must look. */
  readonly onParked?: (parked: JustParked) => void;
}

/** Held by the one process that projects. */
const PROJECTING = 7_301_002;
const LARGEST_BATCH = 1000;
/** Folded while the live read models wait. */
const FEW_EVENTS = 200;
const TAKE_OVER_MS = 1000;
const FOLLOW_MS = 500;
const HEARTBEAT_MS = 2000;

export function createProjector(parts: ProjectorParts): Projector {
  const { log, database, projections, milestones = createMilestones(), onProblem, onParked } = parts;
  const listeners = new Set<(batch: Committed) => void>();
  const stopping = new AbortController();
  const schemas = projections.map(({ name }) => name);
  /** What is read. */
  let live: Live[] = [];
  /** Second generations that move with them until they take their place. */
  let joined: Generation[] = [];
  let epoch = 0;
  /** Up to where this process took the log in, while it projects. */
  let passed = 0;
  let running: Promise<void> = Promise.resolve();
  /** Up to where listeners were told. */
  let told = 0;
  let heldSince = 0;
  /** To be told with the next batch. */
  let resynced: Resynced[] = [];
  /** What was told beyond `told`, by who wrote it. */
  const toldAnew = new Map<string, number>();
  let wake = () => {};
  let lookForJoined = () => {};
  let announcing: Promise<void> | undefined;

  const lowest = () => Math.min(...live.map(({ position }) => position));
  const moving = () => [...live.filter(({ stale }) => !stale), ...joined];

  function tell(events: readonly (Logged | Unreadable)[], checkpoint: number): void {
    milestones.reach(checkpoint);
    const fresh = events.filter(({ position }) => position > told && position <= checkpoint);
    told = Math.max(told, checkpoint);
    heldSince = fresh.at(-1)?.recordedAt ?? heldSince;
    const anew = resynced.filter(({ written }) => !toldAnew.has(written));
    resynced = [];
    for (const [written, position] of toldAnew) if (position <= told) toldAnew.delete(written);
    for (const { written, position } of anew) toldAnew.set(written, position);
    if (fresh.length === 0 && anew.length === 0) return;
    for (const listener of listeners) listener({ events: fresh, checkpoint, resynced: anew });
  }

  /** Beyond what was told, so that no device learns of a cursor that passes it. */
  async function loadResynced(): Promise<void> {
    const { rows } = await database.query<Resynced>(
      `select tenant, conversation as "conversationId", resync_position as position, xmin::text as written
       from ops.resync
       where resync_position > $1`,
      [told],
      "projector-resynced",
    );
    resynced.push(...rows);
  }

  /** Tells from the log what was committed without this process taking part. */
  async function tellUpTo(checkpoint: number): Promise<void> {
    await loadResynced();
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

  const tellResynced = () =>
    inTurn(async () => {
      await loadResynced();
      tell([], told);
    });

  /** One notice under way at a time; what commits meanwhile goes with the next. */
  function announce(): void {
    announcing ??= (async () => {
      for (let announced = -1; announced < milestones.reached() && !stopping.signal.aborted; ) {
        announced = milestones.reached();
        await database.query("select pg_notify($1, $2)", [PROJECTED, String(announced)], "projector-announce");
      }
    })()
      .catch(onProblem)
      .finally(() => {
        announcing = undefined;
      });
  }

  /** What moves checkpoints takes its turn. */
  let turn: Promise<unknown> = Promise.resolve();
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = turn.then(work);
    turn = mine.catch(() => {});
    return mine;
  }

  const onBatch = ({ events }: Batch): Promise<void> =>
    inTurn(async () => {
      for (let start = 0; start < events.length; start += LARGEST_BATCH) {
        const batch = events.slice(start, start + LARGEST_BATCH).map(decode);
        const from = passed;
        const upTo = batch.at(-1)?.position ?? from;
        await apply(batch, from, upTo);
        passed = upTo;
        if (told < from) await tellUpTo(lowest());
        else tell(batch, lowest());
        announce();
      }
    });

  /** @param after where the batch follows; nothing that moves lies behind it */
  async function apply(batch: readonly (Logged | Unreadable)[], after: number, upTo: number): Promise<void> {
    for (;;) {
      const behind = moving().filter(({ position }) => position < upTo);
      for (const [from, together] of Map.groupBy(behind, ({ position }) => position)) {
        if (from < after) throw new Error(`a read model at position ${from} would miss what lies before ${after}`);
        await applyTogether(database, together, from === after ? batch : beyond(batch, from), upTo, {
          ...(onParked ? { onParked } : {}),
          onResynced: (some) => void resynced.push(...some),
        });
      }
      if (!joined.some(({ gone }) => gone)) return;
      // One took the place of the live one, or was given up.
      joined = joined.filter(({ gone }) => !gone);
      await loadLive(database);
    }
  }

  async function loadLive(queryable: Queryable): Promise<void> {
    const bySchema = new Map((await checkpoints(queryable)).map((checkpoint) => [checkpoint.schema, checkpoint]));
    for (const generation of live) {
      const there = bySchema.get(generation.schema);
      generation.position = there?.position ?? 0;
      generation.stale = there !== undefined && !isCurrent(there, generation.projection, epoch);
    }
  }

  /** A read model that stood still may have been replaced by one that moves. */
  const refresh = () =>
    inTurn(async () => {
      if (!live.some(({ stale }) => stale)) return;
      await loadLive(database);
      await tellUpTo(lowest());
      announce();
    });

  /** Second generations that are ready are brought to where the live ones stand, and move with them from then on. */
  async function join(signal: AbortSignal): Promise<void> {
    for (const found of await checkpoints(database)) {
      const projection = projections.find(({ name }) => name === found.projection);
      const known = joined.some(({ schema }) => schema === found.schema);
      if (found.phase !== "joined" || known || !projection || !isCurrent(found, projection, epoch)) continue;
      const generation: Generation = { projection, schema: found.schema, position: found.position };
      await catchUp(generation, FEW_EVENTS, signal);
      await inTurn(async () => {
        await catchUp(generation, 0, signal);
        if (!generation.gone && !signal.aborted) joined.push(generation);
      });
    }
  }

  /** Until no more than so many events are missing. */
  async function catchUp(generation: Generation, few: number, signal: AbortSignal): Promise<void> {
    const ended = () => generation.gone === true || signal.aborted;
    let batch: (Logged | Unreadable)[] = [];
    const fold = async () => {
      const upTo = batch.at(-1)?.position;
      if (upTo !== undefined && !ended())
        await applyTogether(database, [generation], batch, upTo, onParked ? { onParked } : {});
      batch = [];
    };
    while (!ended() && generation.position + few < passed) {
      const upTo = passed;
      for await (const recorded of log.readAll(generation.position)) {
        if (recorded.position > upTo || ended()) break;
        batch.push(decode(recorded));
        if (batch.length === LARGEST_BATCH) await fold();
      }
      await fold();
    }
  }

  /** Projects until stopped, or until something fails. False at once where another process projects. */
  const lead = () =>
    database.transaction(async (lease) => {
      const { rows } = await lease.query<{ ours: boolean }>("select pg_try_advisory_xact_lock($1) as ours", [
        PROJECTING,
      ]);
      if (!rows[0]?.ours) return false;
      joined = [];
      await loadLive(database);
      await tellUpTo(lowest());
      passed = lowest();
      const subscription = log.subscribe(passed, onBatch);
      const beating = new AbortController();
      const beats = beat(lease, beating.signal);
      try {
        await Promise.race([subscription.ended, aborted(stopping.signal), beats]);
      } finally {
        beating.abort();
        await Promise.allSettled([subscription.stop(), beats]);
      }
      return true;
    });

  /** The lease is the lock of a transaction: it is lost with its connection. */
  async function beat(lease: Queryable, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { promise: called, resolve } = Promise.withResolvers<void>();
      lookForJoined = resolve;
      await refresh();
      await join(signal);
      const sleep = new AbortController();
      await Promise.race([
        called,
        aborted(signal),
        pause(HEARTBEAT_MS, undefined, { signal: sleep.signal }).catch(() => {}),
      ]);
      sleep.abort();
      if (!signal.aborted) await lease.query("select 1");
    }
  }

  async function follow(): Promise<void> {
    const until = Date.now() + TAKE_OVER_MS;
    while (!stopping.signal.aborted && Date.now() < until) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await loadLive(database);
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
      epoch = await log.epoch();
      const { position: end } = await log.head();
      live = [];
      for (const projection of projections)
        live.push({ ...(await installGeneration(database, projection, epoch, end)), stale: false });
      await loadLive(database);
      const head = await log.head();
      const ahead = live.find(({ position }) => position > head.position);
      if (ahead)
        throw new Error(
          `the read model ${ahead.schema} is at position ${ahead.position}, the log ends at ${head.position}: ` +
            "the log lost events that were projected; raise its epoch (scripta epoch raise)",
        );
      told = lowest();
      heldSince = 0;
      milestones.reach(told);
      listening = await database.listen(PROJECTED, (payload) => {
        if (payload === JOINED) lookForJoined();
        else if (payload === RESYNCED) tellResynced().catch(onProblem);
        else wake();
      });
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
      const generation = live.find((known) => known.schema === schema);
      if (!generation) throw new Error(`no read model is named ${schema}`);
      const unparked = await unpark(database, log, generation, stream);
      // What a rebuild has built so far parked it, too.
      for (const next of await checkpoints(database))
        if (next.projection === schema && next.phase !== "live")
          await unpark(database, log, { ...next, projection: generation.projection }, stream);
      return unparked;
    },
    onCommitted(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

const beyond = (events: readonly (Logged | Unreadable)[], position: number) =>
  events.filter((event) => event.position > position);

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
