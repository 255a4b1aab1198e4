import type { Queryable } from "../../infra/ports/database.ts";

/** One row that the log does not give, or gives otherwise. */
export interface Difference {
  readonly table: string;
  /** The row's key, as its columns' values in order. */
  readonly key: string;
  /** What is read today, as PostgreSQL's text of the row; null: nothing. */
  readonly live: string | null;
  /** What the log gives. */
  readonly rebuilt: string | null;
}

/** A table in both generations. */
export interface ComparedTable {
  readonly table: string;
  readonly rows: number;
  /**
   * Of all rows of the live one, whatever their order: two 64-bit hashes of each row's text, summed up; 32 hexadecimal
   * digits. Equal bytes give equal hashes; it finds what went wrong, and is no proof against whoever forges rows.
   */
  readonly hash: string;
  readonly differences: number;
}

export interface Comparison {
  readonly tables: readonly ComparedTable[];
  /** Some of them. */
  readonly differences: readonly Difference[];
}

const PARKED = "parked streams";

/**
 * Compares two generations row by row, in whatever snapshot `tx` sees. Tables are hashed first, in one pass; only where
 * that differs are rows joined by their key.
 * @param limit differences shown of one table at most
 */
export async function compare(tx: Queryable, live: string, next: string, limit: number): Promise<Comparison> {
  const tables: ComparedTable[] = [];
  const differences: Difference[] = [];
  for (const table of await tablesOf(tx, live, next)) {
    const [ours, theirs] = [await digest(tx, live, table.name), await digest(tx, next, table.name)];
    const same = ours.rows === theirs.rows && ours.hash === theirs.hash;
    const found = same ? [] : await differing(tx, live, next, table, limit);
    differences.push(...found.map(({ count: _, ...difference }) => difference));
    tables.push({ table: table.name, ...ours, differences: found[0]?.count ?? 0 });
  }
  const parked = await differingParked(tx, live, next);
  if (parked.length > 0) {
    tables.push({ table: PARKED, rows: parked.length, hash: "", differences: parked.length });
    differences.push(...parked.slice(0, limit));
  }
  return { tables, differences };
}

/** The hash of each table of a read model, as `compare` makes it. */
export async function hashes(tx: Queryable, schema: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { name } of await tablesOf(tx, schema, schema)) found.set(name, (await digest(tx, schema, name)).hash);
  return found;
}

/** Keeps which conversations differ, for `swap`: their devices hold what the live generation told them. */
export async function noteDiffering(tx: Queryable, live: string, next: string): Promise<void> {
  for (const table of await tablesOf(tx, live, next)) {
    const either = (column: string) => `coalesce(l.${column}, n.${column})`;
    const [from, conversation] = table.columns.includes("conversation")
      ? [both(live, next, table), either("conversation")]
      : table.columns.includes("user_id")
        ? [
            `${both(live, next, table)} join members.members m on (m.tenant, m.user_id) = (${either("tenant")}, ${either("user_id")})`,
            "m.conversation",
          ]
        : [];
    if (from)
      await tx.query(
        `insert into ops.differing (schema, tenant, conversation) select distinct $1, ${either("tenant")}, ${conversation}
         from ${from} where ${DIFFER} on conflict do nothing`,
        [next],
      );
  }
}

interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  readonly key: readonly string[];
}

async function tablesOf(tx: Queryable, live: string, next: string): Promise<Table[]> {
  const { rows } = await tx.query<Table>(
    `select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns,
       (select coalesce(array_agg(k.attname::text order by k.attnum), '{}') from pg_index i
        join pg_attribute k on k.attrelid = c.oid and k.attnum = any(i.indkey) where i.indrelid = c.oid and i.indisprimary) as key
     from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = $1::regnamespace and c.relkind = 'r' group by c.oid, c.relname order by c.relname`,
    [live],
  );
  const { rows: others } = await tx.query<{ name: string }>(
    "select relname as name from pg_class where relnamespace = $1::regnamespace and relkind = 'r' order by relname",
    [next],
  );
  if (rows.map(({ name }) => name).join() !== others.map(({ name }) => name).join())
    throw new Error(`${live} and ${next} do not hold the same tables`);
  return rows;
}

/** The order of rows does not count, so nothing is sorted, and PostgreSQL may do it in parallel. */
async function digest(tx: Queryable, schema: string, table: string): Promise<{ rows: number; hash: string }> {
  // `offset 0` has each row's text made once, and not for each hash.
  const { rows } = await tx.query<{ rows: number; high: string; low: string }>(
    `select count(*) as rows, coalesce(sum(hashtextextended(r, 1)), 0)::text as high,
       coalesce(sum(hashtextextended(r, 2)), 0)::text as low
     from (select t::text collate "C" as r from ${schema}.${table} t offset 0) as texts`,
  );
  const hex = (sum: string | undefined) =>
    BigInt.asUintN(64, BigInt(sum ?? 0))
      .toString(16)
      .padStart(16, "0");
  return { rows: rows[0]?.rows ?? 0, hash: hex(rows[0]?.high) + hex(rows[0]?.low) };
}

const DIFFER = "l::text is distinct from n::text";
const both = (live: string, next: string, { name, key }: Table) =>
  `${live}.${name} l full join ${next}.${name} n using (${key.join(", ")})`;

async function differing(tx: Queryable, live: string, next: string, table: Table, limit: number) {
  if (table.key.length === 0) throw new Error(`${live}.${table.name} has no primary key to compare its rows by`);
  const key = `row(${table.key.join(", ")})::text`;
  const { rows } = await tx.query<Difference & { count: number }>(
    `select $1 as table, ${key} as key, l::text as live, n::text as rebuilt, count(*) over () as count
     from ${both(live, next, table)} where ${DIFFER} order by ${table.key.join(", ")} limit $2`,
    [table.name, limit],
  );
  if (rows.length === 0)
    throw new Error(`${live}.${table.name} and ${next}.${table.name} hash otherwise, and are equal`);
  return rows;
}

async function differingParked(tx: Queryable, live: string, next: string): Promise<Difference[]> {
  const { rows } = await tx.query<Difference>(
    `select $3 as table, stream as key, l.position::text as live, n.position::text as rebuilt
     from (select * from ops.parked where schema = $1) l full join (select * from ops.parked where schema = $2) n
       using (stream)
     where l.position is distinct from n.position order by stream`,
    [live, next, PARKED],
  );
  return rows;
}
