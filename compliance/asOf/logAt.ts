import type { EventLog } from "../../infra/ports/eventLog.ts";

/** A place in the log, in its own order: with all that lies before it, the log as it was then. */
export interface LogAt {
  readonly position: number;
  /** Of the event there, in ms; 0 before the first. */
  readonly recordedAt: number;
}

/** A position that the log has, or had: what lies beyond its end is its end. */
export async function atPosition(log: EventLog, position: number): Promise<LogAt> {
  const head = await log.head();
  if (position >= head.position) return head;
  for await (const event of log.readAll(position - 1, 1))
    if (event.position === position) return { position, recordedAt: event.recordedAt };
  return lastBefore(log, position, (event) => event.position < position);
}

/** The last position that was recorded at a time or before: `recordedAt` never decreases along the log. */
export async function atTime(log: EventLog, ms: number): Promise<LogAt> {
  const head = await log.head();
  return head.recordedAt <= ms ? head : lastBefore(log, head.position, ({ recordedAt }) => recordedAt <= ms);
}

/** The last event that is early, where all early ones stand before all others; by halving. */
async function lastBefore(log: EventLog, end: number, isEarly: (event: LogAt) => boolean): Promise<LogAt> {
  let early: LogAt = { position: 0, recordedAt: 0 };
  for (let late = end; late - early.position > 1; ) {
    const middle = early.position + Math.floor((late - early.position) / 2);
    const found = await firstFrom(log, middle);
    if (found && found.position < late && isEarly(found)) early = found;
    else late = middle;
  }
  return early;
}

async function firstFrom(log: EventLog, position: number): Promise<LogAt | undefined> {
  for await (const { position: at, recordedAt } of log.readAll(position - 1, 1)) return { position: at, recordedAt };
  return undefined;
}
