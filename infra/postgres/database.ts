import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type ClientBase, Pool, type PoolClient, types } from "pg";
import { from as copyFrom } from "pg-copy-streams";
import type { Database, Queryable, Rows, Transaction } from "../ports/database.ts";
import { listenOn } from "./listen.ts";
import { NotAdmitted } from "./outage.ts";
import { endSilentLinks } from "./silentLinks.ts";

const INT8 = 20;
const INT8_ARRAY = 1016;

function safeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError(`a bigint beyond 2^53: ${text}`);
  return value;
}

/** Of this pool alone: `bigint` is a number that is checked to be exact; all else is as `pg` has it. */
const parsers = {
  getTypeParser(oid: number, format?: "text" | "binary") {
    if (format !== "binary" && oid === INT8) return safeInteger;
    if (format !== "binary" && oid === INT8_ARRAY)
      return (text: string) =>
        text
          .slice(1, -1)
          .split(",")
          .filter((element) => element !== "")
          .map((element) => (element === "NULL" ? null : safeInteger(element)));
    return types.getTypeParser(oid, format);
  },
};

export interface PoolSettings {
  /** Connections at most. */
  readonly max?: number;
  readonly applicationName?: string;
  /** Statements go out without waiting for the answers to those before; nothing can be copied in. */
  readonly pipelined?: boolean;
  /** A connection that gives no answer in this time is given up. */
  readonly queryTimeoutMs?: number;
  /** Of PostgreSQL, for each of its connections. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Asked of each new connection before it is used; where it says no, whoever wanted it is told of an outage. */
  readonly admits?: (connection: Queryable) => Promise<boolean>;
}

export function openPool(connection: string, settings: PoolSettings = {}): Pool {
  const { admits } = settings;
  const pool = new Pool({
    connectionString: connection,
    max: settings.max ?? 10,
    pipeline: settings.pipelined ?? false,
    application_name: settings.applicationName ?? "scripta",
    connectionTimeoutMillis: 5_000,
    ...(settings.queryTimeoutMs === undefined ? {} : { query_timeout: settings.queryTimeoutMs }),
    options: Object.entries(settings.settings ?? {})
      .map(([name, value]) => `-c ${name}=${value}`)
      .join(" "),
    types: parsers,
    ...(admits && {
      onConnect: async (client: ClientBase) => {
        if (!(await admits(on(client)))) throw new NotAdmitted("the database does not hold yet what it held before");
      },
    }),
  });
  // A connection that breaks is replaced by the pool; its query rejects, and whoever needs one next is told if none is to be had.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", () => undefined));
  endSilentLinks(pool, connection);
  return pool;
}

const on = (client: Pool | ClientBase): Queryable => ({
  async query<Row>(sql: string, params: readonly unknown[] = [], name?: string): Promise<Rows<Row>> {
    const values = [...params];
    const { rows, rowCount } = await client.query(
      name === undefined ? { text: sql, values } : { text: sql, values, name },
    );
    return { rows, rowCount: rowCount ?? 0 };
  },
});

/** What runs in the transaction that a connection is in. `settled`: when all that was only sent is done. */
export function transactionOn(client: PoolClient): { readonly tx: Transaction; settled(): Promise<unknown> } {
  const queryable = on(client);
  let sent: Promise<unknown> = Promise.resolve();
  const tx: Transaction = {
    async query<Row>(sql: string, params?: readonly unknown[], name?: string) {
      if (!client.pipeline) await sent;
      try {
        return await queryable.query<Row>(sql, params, name);
      } catch (error) {
        // After a failure every statement fails: what failed first says why.
        await sent;
        throw error;
      }
    },
    send(sql, params, name) {
      const before = sent;
      const answered = client.pipeline
        ? queryable.query(sql, params, name)
        : before.then(() => queryable.query(sql, params, name));
      sent = before.then(() => answered);
      for (const promise of [answered, sent]) promise.catch(() => undefined);
    },
    async copyIn(sql, text) {
      await sent;
      await pipeline(Readable.from(text), client.query(copyFrom(sql)));
    },
  };
  return { tx, settled: () => sent };
}

const BEGIN = { write: "begin", snapshot: "begin isolation level repeatable read read only" } as const;

async function transaction<T>(pool: Pool, work: (tx: Transaction) => Promise<T>, mode: keyof typeof BEGIN): Promise<T> {
  const client = await pool.connect();
  const { tx, settled } = transactionOn(client);
  let broken = false;
  try {
    if (client.pipeline) tx.send(BEGIN[mode]);
    else await client.query(BEGIN[mode]);
    const result = await work(tx);
    if (!client.pipeline) await settled();
    const committed = client.query("commit");
    committed.catch(() => undefined);
    await settled();
    const { command } = await committed;
    if (command !== "COMMIT") throw new Error("nothing was committed: a statement failed and its error was swallowed");
    return result;
  } catch (error) {
    // What was sent and is not done yet is part of what is taken back.
    await settled().catch(() => undefined);
    await client.query("rollback").catch(() => {
      broken = true;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

/** @param connection a `postgres://` URL */
export function openDatabase(connection: string, settings?: PoolSettings): Database & { close(): Promise<void> } {
  const pool = openPool(connection, settings);
  return {
    ...on(pool),
    transaction: (work, mode = "write") => transaction(pool, work, mode),
    listen: (channel, onMessage) => listenOn(connection, channel, onMessage),
    close: () => pool.end(),
  };
}
