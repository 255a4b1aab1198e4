import type { LastSeen } from "../realtime/gateway.ts";
import type { Database } from "./ports/database.ts";
import type { Migration } from "./postgres/migrate.ts";

export const lastSeenMigrations: readonly Migration[] = [
  {
    name: "last-seen/0001",
    sql: `create schema if not exists ops;
      create table ops.last_seen (
        tenant text collate "C" not null,
        user_id uuid not null,
        at timestamptz(3) not null,
        primary key (tenant, user_id)
      )`,
  },
];

const WRITE_EVERY_MS = 1_000;

/**
 * When people were seen last, in a table. Written together, at most once a second: losing some of it is no harm. Of who
 * is erased nothing is written: their sockets may end after the row was swept.
 */
export function lastSeenIn(
  database: Database,
  onProblem: (error: unknown) => void,
): LastSeen & { stop(): Promise<void> } {
  const waiting = new Map<string, Date>();
  let timer: NodeJS.Timeout | undefined;

  async function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (waiting.size === 0) return;
    const seen = [...waiting].map(([person, at]) => ({ ...partsOf(person), at: at.toISOString() }));
    waiting.clear();
    await database.query(
      `insert into ops.last_seen as known (tenant, user_id, at)
       select tenant, user_id, at from json_to_recordset($1) as s(tenant text, user_id uuid, at timestamptz)
       where not exists (
         select from accounts.accounts a where a.tenant = s.tenant and a.user_id = s.user_id and a.erased_at is not null)
       on conflict (tenant, user_id) do update set at = greatest(known.at, excluded.at)`,
      [JSON.stringify(seen)],
    );
  }

  return {
    async read(people) {
      const found = await database.query<{ person: string; at: Date }>(
        `select tenant || '/' || user_id as person, at from ops.last_seen join json_to_recordset($1)
           as asked(tenant text, user_id uuid) using (tenant, user_id)`,
        [JSON.stringify(people.map(partsOf))],
        "last-seen",
      );
      return new Map(found.rows.map(({ person, at }) => [person, at.toISOString()]));
    },
    write(person, at) {
      waiting.set(person, at);
      timer ??= setTimeout(() => void write().catch(onProblem), WRITE_EVERY_MS).unref();
    },
    /** Writes what still waits. */
    stop: () => write().catch(onProblem),
  };
}

const partsOf = (person: string) => {
  const slash = person.indexOf("/");
  return { tenant: person.slice(0, slash), user_id: person.slice(slash + 1) };
};
