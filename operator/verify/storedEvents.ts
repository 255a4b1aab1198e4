import type { EventRow } from "../../infra/eventLog/rows.ts";
import type { Queryable } from "../../infra/ports/database.ts";

/** An event as its row stands, with what the log keeps for itself. */
export interface StoredEvent extends EventRow {
  readonly actor: string | null;
  /** Whether a hash of the command's payload stands beside it. */
  readonly hashed: boolean;
}

/** A stream of the log by its name, and by the number that its events bear. */
interface Stream {
  readonly no: number;
  readonly name: string;
}

/** Streams about one thing: a conversation with its receipts, else one alone. */
export interface Unit {
  readonly name: string;
  readonly streams: readonly StoredStream[];
}

const STREAMS_AT_ONCE = 64;
/** Of each stream, read together with its neighbours'; most streams are shorter. */
const FIRST_EVENTS = 64;
const PAGE = 1_000;

const EVENT = `e.position, e.recorded_at, s.stream, e.revision, e.command, e.command_at, e.target, e.type, e.version,
  e.data::text as data, e.meta::text as meta, e.subject, e.bucket, e.sealed, e.actor,
  e.payload_hash is not null as hashed`;

/** One stream's events in order of revision, a page at a time, up to a position of the log. */
export class StoredStream {
  readonly name: string;
  readonly #no: number;
  readonly #upTo: number;
  readonly #database: Queryable;
  #page: readonly StoredEvent[];
  #at = 0;
  #more: boolean;

  constructor(stream: Stream, first: readonly StoredEvent[], database: Queryable, upTo: number) {
    this.name = stream.name;
    this.#no = stream.no;
    this.#upTo = upTo;
    this.#database = database;
    this.#page = first;
    this.#more = first.length === FIRST_EVENTS;
  }

  /** The next event, which stays the next until it is taken. */
  async peek(): Promise<StoredEvent | undefined> {
    if (this.#at === this.#page.length && this.#more) await this.#turn();
    return this.#page[this.#at];
  }

  take(): void {
    this.#at++;
  }

  async #turn(): Promise<void> {
    const { rows } = await this.#database.query<StoredEvent>(
      `select ${EVENT} from log.events e join log.streams s using (stream_no)
       where e.stream_no = $1 and e.revision > $2 and e.position <= $3 order by e.revision limit ${PAGE}`,
      [this.#no, this.#page.at(-1)?.revision ?? -1, this.#upTo],
      "verify-page",
    );
    this.#page = rows;
    this.#at = 0;
    this.#more = rows.length === PAGE;
  }
}

/**
 * Every stream of the log, those about one thing together. What is held at a time does not grow with the log: four
 * bytes a stream, and a few thousand events.
 */
export async function* storedUnits(database: Queryable, upTo: number): AsyncIterable<Unit> {
  const numbers = await streamNumbers(database);
  let waiting: StoredStream[] = [];
  for (let start = 0; start < numbers.length; start += STREAMS_AT_ONCE) {
    waiting.push(...(await openStreams(database, [...numbers.subarray(start, start + STREAMS_AT_ONCE)], upTo)));
    const units = [...Map.groupBy(waiting, ({ name }) => unitOf(name))];
    const last = start + STREAMS_AT_ONCE < numbers.length ? units.pop() : undefined;
    for (const [name, streams] of units) yield { name, streams };
    waiting = last?.[1] ?? [];
  }
}

const unitOf = (stream: string): string => stream.replace("/receipts-", "/conversation-");

/** In an order that puts a conversation beside its receipts. */
async function streamNumbers(database: Queryable): Promise<Int32Array> {
  const { rows } = await database.query<{ numbers: Buffer | null }>(
    `select string_agg(int4send(stream_no), ''::bytea order by split_part(stream, '/', 1), right(stream, 36), stream)
       as numbers from log.streams`,
  );
  const bytes = rows[0]?.numbers ?? Buffer.alloc(0);
  return Int32Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readInt32BE(4 * at));
}

async function openStreams(database: Queryable, numbers: readonly number[], upTo: number): Promise<StoredStream[]> {
  const { rows: streams } = await database.query<Stream>(
    `select s.stream_no as no, s.stream as name from unnest($1::int[]) with ordinality as n (stream_no, at)
     join log.streams s using (stream_no) order by n.at`,
    [numbers],
    "verify-streams",
  );
  const { rows } = await database.query<StoredEvent>(
    `select first.* from unnest($1::int[]) as n (stream_no) cross join lateral (
       select ${EVENT} from log.events e join log.streams s using (stream_no)
       where e.stream_no = n.stream_no and e.position <= $2 order by e.revision limit ${FIRST_EVENTS}) first`,
    [numbers, upTo],
    "verify-first",
  );
  const first = Map.groupBy(rows, ({ stream }) => stream);
  return streams.map((stream) => new StoredStream(stream, first.get(stream.name) ?? [], database, upTo));
}
