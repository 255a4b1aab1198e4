import type { PoolClient } from "pg";

/** The week keys that anything is wrapped under. */
export async function wrappingKeys(client: PoolClient): Promise<{ tenant: string; id: string }[]> {
  const wrapped = await client.query<{ name: string }>(
    `select attrelid::regclass::text as name from pg_attribute join pg_class c on c.oid = attrelid and c.relkind = 'r'
      where attname = 'week_key' and relnamespace = 'keys'::regnamespace`,
  );
  const each = wrapped.rows.map(({ name }) => `select tenant, week_key as id from ${name} where week_key is not null`);
  const { rows } = await client.query<{ tenant: string; id: string }>(each.join(" union "));
  return rows;
}
