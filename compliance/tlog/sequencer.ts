import { setTimeout as pause } from "node:timers/promises";
import type { Database, Queryable } from "../../infra/ports/database.ts";
import type { Batch, EventLog } from "../../infra/ports/eventLog.ts";
import { InconsistentLog, type LogSigner, type SignedHead } from "../../infra/ports/logSigner.ts";
import { equal } from "../verifier/bytes.ts";
import { parseCheckpoint } from "../verifier/checkpoint.ts";
import { parseNote } from "../verifier/note.ts";
import { keepCheckpoint, newestCheckpoint } from "./checkpoints.ts";
import { originOf } from "./origin.ts";
import { resumeSequencing, type Sequencing, type SequencingParts } from "./sequencing.ts";
import { consistencyProof, edgeAt } from "./tree.ts";

export interface SequencerParts extends SequencingParts {
  readonly signer: LogSigner;
  /** As configured; an epoch adds its own. */
  readonly name: string;
  /** Told of each checkpoint once it is kept; nothing waits for it. */
  readonly onSigned?: (checkpoint: SignedCheckpoint) => void;
  /** Told of what is tried again, such as a lost link. */
  readonly onProblem: (error: unknown) => void;
  /**
   * Told when something was altered, and nothing is signed that would contradict what was: somebody must look. Tables that
   * do not fit are made anew from the log, once; a log that does not fit is signed no more.
   */
  readonly onRefused: (refusal: InconsistentLog) => void;
}

export interface SignedCheckpoint {
  readonly origin: string;
  readonly size: number;
  readonly note: string;
}

/** Follows the log after the fact and signs how far it came. Of several processes one does it. */
export interface Sequencer {
  start(): void;
  /** Resolves when nothing of it runs any more. */
  stop(): Promise<void>;
}

/** Held by the one process that sequences. */
const SEQUENCING = 7_301_003;
/** Fewer events than these are not hurried: the next ones come with them. */
const A_FEW = 500;
const GATHER_MS = 150;
const SIGN_EVERY_MS = 1_000;
/** For what was committed just before a checkpoint is due. */
const LATECOMERS_MS = 25;
const TAKE_OVER_MS = 1_000;
const HEARTBEAT_MS = 2_000;
const REFUSED_AGAIN_MS = 30_000;

export function createSequencer(parts: SequencerParts): Sequencer {
  const { log, database, name, onProblem, onRefused } = parts;
  const stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();

  /** The tables were thrown away, since they do not fit what was signed; if they still do not, the log was altered. */
  let remade = false;

  const begin = async (origin: string) => {
    const sequencing = await resumeSequencing(parts);
    const signing = createSigning({ ...parts, origin, sequencing });
    await signing.assertUnaltered();
    return { sequencing, signing };
  };

  /** Sequences until stopped, or until something fails. False at once where another process does. */
  const lead = () =>
    database.transaction(async (lease) => {
      const { rows } = await lease.query<{ ours: boolean }>("select pg_try_advisory_xact_lock($1) as ours", [
        SEQUENCING,
      ]);
      if (!rows[0]?.ours) return false;
      const origin = originOf(name, await log.epoch());
      const { sequencing, signing } = await begin(origin).catch(async (error: unknown) => {
        if (!(error instanceof InconsistentLog) || remade) throw error;
        remade = true;
        onRefused(error);
        await database.query("truncate tlog.entries, tlog.roots");
        return begin(origin);
      });
      const subscription = log.subscribe(sequencing.position, ({ events }: Batch) => onBatch(events));
      const ending = new AbortController();
      const onBatch = async (events: Batch["events"]) => {
        await sequencing.add(events);
        await signing.grown();
        if (events.length < A_FEW) await signing.gather(ending.signal);
      };
      try {
        const signed = signing.run(ending.signal);
        await Promise.race([subscription.ended, signed, aborted(stopping.signal), beat(lease, ending.signal)]);
      } finally {
        ending.abort();
        await subscription.stop();
      }
      return true;
    });

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const startedAt = Date.now();
      let waitMs = TAKE_OVER_MS;
      try {
        await lead();
        failures = 0;
      } catch (error) {
        if (Date.now() - startedAt > 10_000) failures = 0;
        waitMs = error instanceof InconsistentLog ? REFUSED_AGAIN_MS : Math.min(5_000, 50 * 2 ** failures++);
        if (error instanceof InconsistentLog) onRefused(error);
        else onProblem(error);
      }
      await pause(waitMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  return {
    start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

interface SigningParts {
  readonly log: EventLog;
  readonly database: Database;
  readonly signer: LogSigner;
  readonly origin: string;
  readonly sequencing: Sequencing;
  readonly onSigned?: SequencerParts["onSigned"];
}

/** Signs what is in order, at most once a second. */
function createSigning({ log, database, signer, origin, sequencing, onSigned }: SigningParts) {
  let signedSize = -1;
  let dueAt = 0;
  let gathered = () => {};
  let changed = Promise.withResolvers<void>();
  changed.resolve();

  /** The tree is smaller than what was signed only for as long as there are events that it has not. */
  async function assertNotShrunk(last: SignedHead | undefined): Promise<boolean> {
    const { size } = sequencing.edge;
    if (!last || last.size <= size) return true;
    if ((await log.head()).position > sequencing.position) return false;
    throw new InconsistentLog(`the log has ${size} entries, and was signed with ${last.size}`);
  }

  async function sign(): Promise<void> {
    const { edge } = sequencing;
    const { size } = edge;
    if (size === signedSize || Date.now() < dueAt) return;
    dueAt = Date.now() + SIGN_EVERY_MS;
    if (!(await assertNotShrunk(await signer.last(origin)))) return;
    const next = { size, root: edge.root() };
    const note = await signer.signCheckpoint(origin, next, (from) => consistencyProof(database, from, size));
    if (note === undefined) return;
    await keepCheckpoint(database, origin, { size, note });
    signedSize = size;
    onSigned?.({ origin, size, note });
  }

  return {
    /** @throws InconsistentLog where the tables do not begin with what was signed */
    async assertUnaltered(): Promise<void> {
      const kept = await newestCheckpoint(database, origin);
      const { size } = sequencing.edge;
      for (const head of [await signer.last(origin), kept && parseCheckpoint(parseNote(kept.note).text)]) {
        const whole = await assertNotShrunk(head);
        if (head && whole && !equal((await edgeAt(database, head.size)).root(), head.root))
          throw new InconsistentLog(`the first ${head.size} of ${size} entries are not those that were signed`);
      }
    },
    /** There is more to be signed: at once, where a checkpoint is due. */
    async grown(): Promise<void> {
      await sign();
      changed.resolve();
    },
    /** Lets a few more events come together, unless a checkpoint is due. */
    async gather(signal: AbortSignal): Promise<void> {
      const early = Promise.withResolvers<void>();
      gathered = early.resolve;
      await Promise.race([early.promise, pause(GATHER_MS, undefined, { signal }).catch(() => {})]);
    },
    /** Signs what is left each time a checkpoint is due. */
    async run(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await Promise.race([changed.promise, aborted(signal)]);
        await pause(Math.max(0, dueAt - Date.now()), undefined, { signal }).catch(() => {});
        gathered();
        await pause(LATECOMERS_MS, undefined, { signal }).catch(() => {});
        changed = Promise.withResolvers();
        if (!signal.aborted) await sign();
        if (sequencing.edge.size !== signedSize) changed.resolve();
      }
    },
  };
}

/** The lease is the lock of a transaction: it is lost with its connection. */
async function beat(lease: Queryable, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await pause(HEARTBEAT_MS, undefined, { signal }).catch(() => {});
    if (!signal.aborted) await lease.query("select 1");
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
