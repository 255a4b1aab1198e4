import { verifyAccessLog } from "../../compliance/access/verifyAccessLog.ts";
import type { Database } from "../../infra/ports/database.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import type { SecretStore } from "../../infra/ports/secrets.ts";
import type { Snapshot, Snapshots } from "../../infra/ports/snapshots.ts";
import { type Deviation, Findings, FoundEnough } from "./findings.ts";
import { verifyHead, verifyOnce, verifyOrder } from "./order.ts";
import { type ReadModelsCompared, verifyReadModels } from "./readModels.ts";
import { sealedParts } from "./sealedParts.ts";
import { snapshotOf, snapshotRevisions } from "./snapshots.ts";
import { storedUnits } from "./storedEvents.ts";
import { type Counts, verifyUnit } from "./verifyUnit.ts";

export interface VerifyParts {
  readonly database: Database;
  readonly secrets: SecretStore;
  readonly snapshots: Snapshots;
  readonly log: EventLog;
}

/** What is being done, for whoever waits. */
export interface Progress {
  begin(what: string, total: number): void;
  step(by: number): void;
}

export interface Verified {
  /** What committed after this position is not part of it. */
  readonly upTo: number;
  readonly checked: Omit<Counts, "unknown"> & { readonly opened: number; readonly erased: number };
  /** Kept, and not judged: what a newer program wrote. */
  readonly unknown: readonly { readonly event: string; readonly count: number }[];
  /** Sealed parts that could not be tried, since the keys do not answer. */
  readonly unavailable: number;
  /** Null where they were not to be looked at, or the run ended before. */
  readonly readModels: ReadModelsCompared | null;
  readonly deviations: readonly Deviation[];
  /** False where it ended at as many deviations as were wanted. */
  readonly complete: boolean;
}

export interface VerifyOptions {
  /** Deviations after which it ends. */
  readonly most: number;
  /** Whether read models are folded anew and compared, too: for a while they take twice their room on disk. */
  readonly readModels: boolean;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

/** Replays the log up to its present head, and asks of it what every writer promised. Memory does not grow with the log. */
export async function verifyLog(
  { database, secrets, snapshots, log }: VerifyParts,
  { most, readModels, progress, signal }: VerifyOptions,
): Promise<Verified> {
  const [{ position: upTo }, epoch] = await Promise.all([log.head(), log.epoch()]);
  const findings = new Findings(most);
  const add = (deviation: Deviation) => findings.add(deviation);
  const sealed = sealedParts(secrets, add);
  const counts: Counts = {
    events: 0,
    streams: 0,
    conversations: 0,
    messages: 0,
    marks: 0,
    snapshots: 0,
    unknown: new Map(),
  };
  let compared: ReadModelsCompared | null = null;
  const look = async () => {
    progress.begin("order", upTo);
    const stored = await verifyOrder(database, upTo, findings, (events) => {
      signal?.throwIfAborted();
      progress.step(events);
    });
    await verifyOnce(database, upTo, findings);
    await verifyHead(database, findings);
    progress.begin("events", stored);
    const revisions = await snapshotRevisions(database, epoch);
    let shown = 0;
    for await (const unit of storedUnits(database, upTo)) {
      signal?.throwIfAborted();
      const kept = new Map<string, Snapshot>();
      for (const { name } of unit.streams) {
        const revision = revisions.get(name);
        const snapshot = revision === undefined ? undefined : await snapshotOf(snapshots, name, revision, add);
        if (snapshot) kept.set(name, snapshot);
      }
      await verifyUnit(unit, { counts, sealed, snapshots: kept, add });
      progress.step(counts.events - shown);
      shown = counts.events;
    }
    await sealed.finish();
    if (counts.events !== stored)
      add({ rule: "every event is in a stream", found: `${stored} are stored, ${counts.events} are in streams` });
    await verifyAccessLog({ database, log }, ({ tenant, entry, found }) =>
      add({
        rule: "the access log is what was written, and sealed in the log",
        found: `${tenant}, entry ${entry}: ${found}`,
      }),
    );
    if (!readModels) return;
    progress.begin("read models", stored);
    const on = { step: progress.step, ...(signal ? { signal } : {}) };
    compared = await verifyReadModels({ database, log }, add, on);
  };
  const complete = await look().then(
    () => true,
    (error: unknown) => {
      if (error instanceof FoundEnough) return false;
      throw error;
    },
  );
  const { unknown, ...checked } = counts;
  const { opened, erased, unavailable } = sealed.counts;
  return {
    upTo,
    checked: { ...checked, opened, erased },
    unknown: [...unknown].map(([event, count]) => ({ event, count })),
    unavailable,
    readModels: compared,
    deviations: findings.deviations,
    complete,
  };
}
