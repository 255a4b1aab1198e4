import type { Database } from "../../infra/ports/database.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import { applyTogether, Fenced } from "../apply.ts";
import type { Generation } from "../generations.ts";
import { decode, type Logged, type Unreadable } from "../logged.ts";

interface Folding {
  readonly log: EventLog;
  readonly database: Database;
  /** Events that go in one transaction. */
  readonly batchSize: number;
  readonly signal: AbortSignal;
  /** After each batch: how many events, up to where. */
  readonly onFolded: (events: number, position: number) => Promise<void> | void;
}

/**
 * Folds the log into generations, each from where it stands, to the head as it is when read. The log is read and
 * decoded once for all of them, the next batch while one is being written; each generation writes on its own
 * connection. Gives the number of events it took in.
 * @throws Fenced where a generation is moved by somebody else, or was given up
 */
export async function foldLog(
  { log, database, batchSize, signal, onFolded }: Folding,
  generations: readonly Generation[],
): Promise<number> {
  let folded = 0;
  let writing: Promise<void> = Promise.resolve();
  const write = async (batch: readonly (Logged | Unreadable)[]) => {
    const upTo = batch.at(-1)?.position ?? 0;
    const behind = generations.filter(({ position }) => position < upTo);
    const outcomes = await Promise.allSettled(
      behind.map((generation) => {
        const missing = batch.filter(({ position }) => position > generation.position);
        return applyTogether(database, [generation], missing, upTo);
      }),
    );
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    const gone = generations.find((generation) => generation.gone);
    if (gone) throw new Fenced(`${gone.schema} was given up`);
    folded += batch.length;
    await onFolded(batch.length, upTo);
  };
  try {
    for await (const batch of batches(log, Math.min(...generations.map(({ position }) => position)), batchSize)) {
      await writing;
      if (signal.aborted) break;
      writing = write(batch);
      // It may fail while the next batch is being read: it is looked at before that is written.
      writing.catch(() => {});
    }
  } finally {
    await writing;
  }
  return folded;
}

/** Of what is personal and of facts together: rows hold it as text, so a batch must not be large by its events alone. */
const MOST_BYTES = 8 << 20;

async function* batches(log: EventLog, after: number, size: number): AsyncGenerator<(Logged | Unreadable)[]> {
  let batch: (Logged | Unreadable)[] = [];
  let bytes = 0;
  for await (const recorded of log.readAll(after)) {
    batch.push(decode(recorded));
    bytes += recorded.data.length + (recorded.sealed?.ciphertext.length ?? 0);
    if (batch.length < size && bytes < MOST_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}
