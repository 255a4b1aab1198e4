import type { StreamId } from "../../domain/ids.ts";
import type { EventLog, RecordedEvent } from "../../infra/ports/eventLog.ts";
import { decode, type Logged } from "../../projections/logged.ts";

/** An event of a newer program: nobody here can say whether it is to be shown. */
export class UnreadableForExport extends Error {
  override name = "UnreadableForExport";
}

export interface ReadEvent {
  readonly recorded: RecordedEvent;
  readonly logged: Logged;
}

const BATCH = 500;

/** A stream up to a position, in batches. @throws UnreadableForExport, LogUnavailable */
export async function* readEvents(
  log: EventLog,
  stream: StreamId,
  upTo: number,
  signal: AbortSignal,
): AsyncGenerator<readonly ReadEvent[]> {
  let batch: ReadEvent[] = [];
  for await (const recorded of log.readStream(stream)) {
    if (recorded.position > upTo) break;
    const logged = decode(recorded);
    if (logged.type === "?") throw new UnreadableForExport(`${stream} at position ${recorded.position}: ${logged.why}`);
    batch.push({ recorded, logged });
    if (batch.length < BATCH) continue;
    yield batch;
    signal.throwIfAborted();
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
