import { Client, type Pool, type PoolClient } from "pg";
import { z } from "zod";

const LOOK_EVERY_MS = 5_000;
/** Lent out for longer, a connection is worth a look: its statement is long, or nobody is at its other end. */
const SILENT_MS = 10_000;
/** A backend so much younger than its connection is another one that happens to have its number. */
const YOUNGER_MS = 5_000;

interface Link {
  readonly since: number;
  lentAt: number | undefined;
}

const Numbered = z.object({ processID: z.int() });
const pidOf = (client: Client): number | undefined => Numbered.safeParse(client).data?.processID;

/**
 * Ends those connections of a pool whose backends are gone without a word, as when the database's host died and another
 * one took its address: the kernel would tell after some fifteen minutes. A new connection asks for the others' backends.
 */
export function endSilentLinks(pool: Pool, connection: string): void {
  const links = new Map<PoolClient, Link>();
  pool.on("connect", (client) => links.set(client, { since: performance.now(), lentAt: undefined }));
  pool.on("acquire", (client) => lend(client, performance.now()));
  pool.on("release", (_error, client) => lend(client, undefined));
  pool.on("remove", (client) => links.delete(client));
  const lend = (client: PoolClient, at: number | undefined) => {
    const link = links.get(client);
    if (link) link.lentAt = at;
  };

  let looking = false;
  const timer = setInterval(() => {
    if (pool.ended) return clearInterval(timer);
    const now = performance.now();
    if (looking || ![...links.values()].some(({ lentAt }) => lentAt !== undefined && now - lentAt > SILENT_MS)) return;
    looking = true;
    void look().finally(() => {
      looking = false;
    });
  }, LOOK_EVERY_MS);
  timer.unref();

  async function look(): Promise<void> {
    const asked = [...links].flatMap(([client, { since }]) => {
      const pid = pidOf(client);
      return pid === undefined ? [] : [{ client, since, pid }];
    });
    // Before the question: what the answer takes must not make a living backend look too young.
    const now = performance.now();
    const ages = await backendAges(
      connection,
      asked.map(({ pid }) => pid),
    );
    if (!ages) return;
    for (const { client, since, pid } of asked)
      if ((ages.get(pid) ?? Number.NEGATIVE_INFINITY) < now - since - YOUNGER_MS) client.connection.stream.destroy();
  }
}

/**
 * How many milliseconds ago each of these backends came about; those that there are not are left out. Undefined where
 * nothing can be known: nobody answers, or whoever answers (a pooler) has other numbers for its connections.
 */
async function backendAges(connection: string, pids: readonly number[]): Promise<Map<number, number> | undefined> {
  const fresh = new Client({
    connectionString: connection,
    application_name: "scripta link check",
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
  });
  fresh.on("error", () => undefined);
  try {
    await fresh.connect();
    const own = pidOf(fresh);
    const { rows } = await fresh.query<{ pid: number; age: number }>(
      `select pid, extract(epoch from clock_timestamp() - backend_start)::float8 * 1000 as age
       from pg_stat_activity where pid = any($1::int[])`,
      [[own, ...pids]],
    );
    const ages = new Map(rows.map(({ pid, age }) => [pid, age]));
    return own !== undefined && ages.has(own) ? ages : undefined;
  } catch {
    return undefined;
  } finally {
    fresh.connection.stream.destroy();
  }
}
