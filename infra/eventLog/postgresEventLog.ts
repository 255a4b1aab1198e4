import type { Pool } from "pg";
import type { StreamId } from "../../domain/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Database } from "../ports/database.ts";
import {
  type Appended,
  type Batch,
  type EventLog,
  LogUnavailable,
  type NewCommand,
  type NotAppended,
  type RecordedCommand,
  type RecordedEvent,
  type Subscription,
} from "../ports/eventLog.ts";
import { openDatabase, openPool } from "../postgres/database.ts";
import { APPEND, answers, appendParameters, type Judgement } from "./appendCall.ts";
import { appendFailure, contentAtFault, readFailure, unreachable } from "./failure.ts";
import { GroupCommit, MAX_IN_FLIGHT } from "./groupCommit.ts";
import { HeadWatch } from "./headWatch.ts";
import { type Append, checkAppend } from "./recorded.ts";
import type { Remembered, RememberedPosition } from "./remembered.ts";
import { EVENTS, type EventRow, eventOf } from "./rows.ts";
import { subscription } from "./subscription.ts";
import { Tail } from "./tail.ts";

const PAGE = 1_000;
const MAX_WAITING_EVENTS = 20_000;
const APPEND_TIMEOUT_MS = 15_000;

export interface PostgresEventLogOptions {
  /** Gives `recordedAt`; without it the database's own clock does, which all processes share. */
  readonly clock?: Clock;
  /** Kept up to date with how far the log was seen. */
  readonly remembered?: RememberedPosition;
  readonly maxWaitingEvents?: number;
}

/** The log ends before what somebody remembers of it: a restored backup, or a fail-over that lost commits. */
export class LogBehind extends Error {
  override name = "LogBehind";
}

const STREAM_NO = "(select stream_no from log.streams where stream = $1)";

/** The log in Postgres; its schema is `schema.sql`. One for each process. */
export class PostgresEventLog implements EventLog {
  readonly #appends: Pool;
  readonly #reads: Database & { close(): Promise<void> };
  readonly #clock: Clock | undefined;
  readonly #remembered: RememberedPosition | undefined;
  readonly #tail = new Tail();
  readonly #watch: HeadWatch;
  readonly #commits: GroupCommit<Appended | NotAppended>;
  readonly #subscriptions = new Set<Subscription>();
  #epoch: number | undefined;

  /** @param connection a `postgres://` URL of a database with the log's schema */
  constructor(connection: string, options: PostgresEventLogOptions = {}) {
    this.#appends = openPool(connection, {
      max: MAX_IN_FLIGHT,
      applicationName: "scripta log",
      queryTimeoutMs: APPEND_TIMEOUT_MS,
      // A plan made while the log is empty would scan it for ever.
      settings: { enable_seqscan: "off" },
    });
    this.#reads = openDatabase(connection, { max: 6, applicationName: "scripta log reader" });
    this.#clock = options.clock;
    this.#remembered = options.remembered;
    this.#commits = new GroupCommit((batch) => this.#commit(batch), options.maxWaitingEvents ?? MAX_WAITING_EVENTS);
    this.#watch = new HeadWatch(connection, this.#reads, this.#tail);
  }

  append(stream: StreamId, expected: number | "any", commands: readonly NewCommand[]): Promise<Appended | NotAppended> {
    const append = { stream, expected, commands };
    try {
      checkAppend(append);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#commits.append(append);
  }

  async find(stream: StreamId, commandId: string): Promise<RecordedCommand | undefined> {
    // The events of a command follow each other, so they end where another command's begin.
    const rows = await this.#rows<EventRow & { actor: string | null; payload_hash: Uint8Array }>(
      `with first as (
         select stream_no, revision, actor, payload_hash from log.events
         where stream_no = ${STREAM_NO} and command = $2 and command_at = 0
       ), following as (
         select e.revision from log.events e, first
         where e.stream_no = first.stream_no and e.revision > first.revision and e.command <> $2
         order by e.revision limit 1
       )
       select found.*, first.actor, first.payload_hash
       from first, lateral (
         ${EVENTS} where e.stream_no = first.stream_no and e.revision >= first.revision
           and e.revision < coalesce((select revision from following), 2147483647)
       ) found order by found.revision`,
      [stream, commandId],
      "log.find",
    );
    const [first] = rows;
    if (!first) return undefined;
    return { actorId: first.actor, payloadHash: first.payload_hash, events: rows.map(eventOf) };
  }

  async readTarget(stream: StreamId, target: string): Promise<RecordedEvent[]> {
    const rows = await this.#rows<EventRow>(
      `${EVENTS} where e.stream_no = ${STREAM_NO} and e.target = $2 order by e.revision`,
      [stream, target],
      "log.readTarget",
    );
    return rows.map(eventOf);
  }

  async knownTargets(stream: StreamId, among: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.#rows<{ target: string }>(
      `select asked.target from unnest($2::uuid[]) as asked(target), lateral (
         select from log.events e where e.stream_no = ${STREAM_NO} and e.target = asked.target limit 1
       ) known`,
      [stream, among],
      "log.knownTargets",
    );
    return new Set(rows.map(({ target }) => target));
  }

  async *readStream(stream: StreamId, from = 0, limit = Number.POSITIVE_INFINITY): AsyncIterable<RecordedEvent> {
    for (let next = from; next < from + limit; ) {
      const page = Math.min(PAGE, from + limit - next);
      const rows = await this.#rows<EventRow>(
        `${EVENTS} where e.stream_no = ${STREAM_NO} and e.revision >= $2 order by e.revision limit $3`,
        [stream, next, page],
        "log.readStream",
      );
      for (const row of rows) yield eventOf(row);
      if (rows.length < page) return;
      next += page;
    }
  }

  async *readAll(after: number, limit = Number.POSITIVE_INFINITY): AsyncIterable<RecordedEvent> {
    const { position: head } = await this.head();
    let left = limit;
    for (let last = after; last < head && left > 0; ) {
      const page = Math.min(PAGE, left);
      const events = await this.#page(last, page);
      for (const event of events) {
        if (event.position > head) return;
        yield event;
        last = event.position;
        left--;
      }
      if (events.length < page) return;
    }
  }

  async revision(stream: StreamId): Promise<number> {
    const [row] = await this.#rows<{ revision: number }>(
      `select e.revision from log.events e where e.stream_no = ${STREAM_NO} order by e.revision desc limit 1`,
      [stream],
      "log.revision",
    );
    return row?.revision ?? -1;
  }

  async head(): Promise<{ position: number; recordedAt: number }> {
    const [row] = await this.#rows<{ position: number; recorded_at: number }>(
      "select position, recorded_at from log.events order by position desc limit 1",
      [],
      "log.head",
    );
    return { position: row?.position ?? 0, recordedAt: row?.recorded_at ?? 0 };
  }

  async epoch(): Promise<number> {
    const [row] = await this.#rows<{ epoch: number }>("select max(epoch) as epoch from log.epochs", [], "log.epoch");
    if (!row) throw new Error("log.epochs is empty");
    return row.epoch;
  }

  subscribe(after: number, onBatch: (batch: Batch) => Promise<void>): Subscription {
    const watched = this.#watch.begin();
    let looked = false;
    const source = {
      next: async (position: number) => {
        // Once it was looked, signals and the poll tell of what follows: no need to ask for what is not there.
        if (looked && position >= this.#tail.head) return undefined;
        const batch = await this.#next(position);
        looked = true;
        return batch;
      },
      beyond: (position: number, signal: AbortSignal) => this.#tail.beyond(position, signal),
    };
    const made = subscription(source, after, onBatch);
    this.#subscriptions.add(made);
    const forget = () => {
      this.#subscriptions.delete(made);
      watched.end();
    };
    made.ended.then(forget, forget);
    return made;
  }

  /**
   * To be asked before anything is served.
   * @throws LogBehind when the log is not the one that was remembered, or a part of it is gone
   */
  async assertNotBehind(remembered: Remembered): Promise<void> {
    const [epoch, { position }] = await Promise.all([this.epoch(), this.head()]);
    if (epoch > remembered.epoch || (epoch === remembered.epoch && position >= remembered.position)) return;
    throw new LogBehind(
      `the log ends at position ${position} of epoch ${epoch}, but was seen at ${remembered.position} of epoch ` +
        `${remembered.epoch}: something restored an earlier state. Put back the newer database, or accept what is lost ` +
        "with `scripta epoch raise`",
    );
  }

  /** Accepts that the log ends where it ends: from now on every cursor of before is another history's. Gives the new epoch. */
  async raiseEpoch(above = 0): Promise<number> {
    const [row] = await this.#rows<{ epoch: number }>(
      `insert into log.epochs (epoch, head)
       select greatest(max(epoch), $1) + 1, coalesce((select max(position) from log.events), 0) from log.epochs
       returning epoch`,
      [above],
    );
    if (!row) throw new Error("the epoch was not raised");
    this.#epoch = row.epoch;
    return row.epoch;
  }

  /** Commits what waits, ends subscriptions and connections. */
  async close(): Promise<void> {
    await this.#commits.idle();
    await Promise.all([...this.#subscriptions].map((running) => running.stop()));
    await this.#watch.close();
    await Promise.all([this.#appends.end(), this.#reads.close()]);
  }

  async #rows<Row>(sql: string, params: readonly unknown[], name?: string): Promise<Row[]> {
    try {
      return (await this.#reads.query<Row>(sql, params, name)).rows;
    } catch (error) {
      throw readFailure(error);
    }
  }

  async #page(after: number, limit = PAGE): Promise<RecordedEvent[]> {
    const rows = await this.#rows<EventRow>(
      `${EVENTS} where e.position > $1 order by e.position limit $2`,
      [after, limit],
      "log.page",
    );
    return rows.map(eventOf);
  }

  async #next(after: number): Promise<Batch | undefined> {
    const batch = this.#tail.from(after, PAGE);
    if (batch) return batch;
    const known = this.#tail.head;
    try {
      const events = await this.#page(after);
      this.#tail.advance(events.at(-1)?.position ?? 0);
      if (events.length > 0) return { after, events };
      if (known > after) throw new LogBehind(`position ${known} was seen, and nothing lies after ${after} any more`);
      return undefined;
    } catch (error) {
      // An outage ends no subscription: the watch wakes it when the log can be read again.
      if (!(error instanceof LogUnavailable)) throw error;
      await this.#watch.reachable();
      return undefined;
    }
  }

  async #commit(batch: readonly Append[]): Promise<readonly (Appended | NotAppended | Error)[]> {
    try {
      return await this.#call(batch);
    } catch (error) {
      if (!contentAtFault(error)) throw appendFailure(error);
      const [only, ...others] = batch;
      if (only && others.length === 0) return [new TypeError(`append to ${only.stream}`, { cause: error })];
      // One of them is not storable: alone, it cannot hurt the others.
      const outcomes: (Appended | NotAppended | Error)[] = [];
      for (const append of batch) outcomes.push(...(await this.#commit([append])));
      return outcomes;
    }
  }

  async #call(batch: readonly Append[]): Promise<readonly (Appended | NotAppended)[]> {
    this.#epoch ??= await this.epoch();
    const seen = { head: this.#tail.head, epoch: this.#epoch };
    const values = appendParameters(batch, this.#clock?.now() ?? null, seen);
    const client = await this.#appends.connect().catch((error) => Promise.reject(unreachable(error)));
    let broken: Error | undefined;
    const judgements = await client
      .query<Judgement>({ name: "log.append", text: APPEND, values })
      .catch((error: Error) => {
        if (!contentAtFault(error)) broken = error;
        throw error;
      })
      .finally(() => client.release(broken));
    return this.#answers(batch, judgements.rows);
  }

  #answers(batch: readonly Append[], judgements: readonly Judgement[]): readonly (Appended | NotAppended)[] {
    const { previousHead, outcomes } = answers(batch, judgements);
    const events = outcomes.flatMap((one) => (one.status === "ok" ? one.events : []));
    const last = events.at(-1);
    if (last) {
      this.#tail.add({ after: previousHead, events });
      this.#watch.announce(last.position);
      if (this.#epoch !== undefined) this.#remembered?.saw(this.#epoch, last.position);
    }
    return outcomes;
  }
}
