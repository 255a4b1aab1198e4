import { parseStreamId, type StreamId, streamId } from "../../domain/ids.ts";
import { EVENTS, type EventRow, eventOf } from "../../infra/eventLog/rows.ts";
import type { Foundation } from "../../infra/foundation.ts";
import type { RecordedEvent } from "../../infra/ports/eventLog.ts";
import { CommandFailed } from "../commandFailed.ts";
import { exitCodes } from "../exitCodes.ts";
import { onFolder } from "../onFolder.ts";
import type { SettingFlags } from "../settings.ts";
import { type Pipe, standardOutput } from "./pipe.ts";
import { positionFlag, wholeNumber } from "./wholeNumber.ts";

export interface TailFlags extends SettingFlags {
  readonly json?: boolean;
  readonly follow?: boolean;
  readonly stream?: string;
  /** A position: from there on. Absent: the last `lines`. */
  readonly from?: string;
  readonly lines: string;
}

/** Prints events as they lie in the log, what is sealed as its size alone. With `follow` until it is interrupted. */
export function tailCommand(flags: TailFlags): Promise<number> {
  const stream = flags.stream === undefined ? undefined : named(flags.stream);
  const from = positionFlag("--from", flags.from);
  const lines = wholeNumber("--lines", flags.lines);
  return onFolder(flags, async (foundation) => {
    const pipe = standardOutput();
    const print = (event: RecordedEvent) => pipe.write(`${flags.json ? JSON.stringify(facts(event)) : line(event)}\n`);
    try {
      const { position: head } = await foundation.log.head();
      let printed = from === undefined ? head : from - 1;
      const before = from === undefined ? await lastEvents(foundation, stream, lines) : since(foundation, stream, from);
      for await (const event of before) {
        if (!(await print(event))) return exitCodes.done;
        printed = event.position;
      }
      if (flags.follow) await follow(foundation, stream, Math.max(printed, from === undefined ? head : 0), print);
      return exitCodes.done;
    } finally {
      pipe.close();
    }
  });
}

function named(text: string): StreamId {
  try {
    const { tenant, kind, id } = parseStreamId(text);
    return streamId(tenant, kind, id);
  } catch {
    throw new CommandFailed(`${text} is no stream: one is <tenant>/<kind>-<uuid>`);
  }
}

async function lastEvents(
  { database }: Foundation,
  stream: StreamId | undefined,
  count: number,
): Promise<RecordedEvent[]> {
  const { rows } = await database.query<EventRow>(
    stream === undefined
      ? `${EVENTS} order by e.position desc limit $1`
      : `${EVENTS} where e.stream_no = (select stream_no from log.streams where stream = $2) order by e.revision desc limit $1`,
    stream === undefined ? [count] : [count, stream],
  );
  return rows.reverse().map(eventOf);
}

async function* since({ log }: Foundation, stream: StreamId | undefined, from: number): AsyncIterable<RecordedEvent> {
  if (stream === undefined) yield* log.readAll(from - 1);
  else for await (const event of log.readStream(stream)) if (event.position >= from) yield event;
}

async function follow(
  { log }: Foundation,
  stream: StreamId | undefined,
  after: number,
  print: (event: RecordedEvent) => ReturnType<Pipe["write"]>,
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  process.once("SIGINT", ended.resolve);
  process.once("SIGTERM", ended.resolve);
  const subscription = log.subscribe(after, async ({ events }) => {
    for (const event of events)
      if ((stream === undefined || event.stream === stream) && !(await print(event))) ended.resolve();
  });
  try {
    await Promise.race([ended.promise, subscription.ended]);
  } finally {
    process.off("SIGINT", ended.resolve);
    process.off("SIGTERM", ended.resolve);
    await subscription.stop();
  }
}

const facts = ({ data, meta, sealed, recordedAt, ...event }: RecordedEvent) => ({
  ...event,
  recordedAt: new Date(recordedAt).toISOString(),
  data: JSON.parse(data),
  meta: JSON.parse(meta),
  sealed: sealed && { subject: sealed.subject, bucket: sealed.bucket, bytes: sealed.ciphertext.length },
});

function line({ position, recordedAt, stream, revision, type, version, data, sealed }: RecordedEvent): string {
  const time = new Date(recordedAt).toISOString();
  const hidden = sealed ? `  sealed: ${sealed.ciphertext.length} bytes of ${sealed.subject}, ${sealed.bucket}` : "";
  return `${String(position).padStart(8)}  ${time}  ${stream} ${revision}  ${type} v${version}  ${data}${hidden}`;
}
