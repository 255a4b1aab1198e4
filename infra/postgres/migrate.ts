import { hash } from "node:crypto";
import type { Database } from "../ports/database.ts";

export interface Migration {
  /** Unique for ever, such as `log/0001-events`. */
  readonly name: string;
  readonly sql: string;
}

/** Any number that nobody else locks. */
const LOCK = 7_306_571;

/**
 * Applies what is missing, in the order given, all in one transaction; processes that start together wait for each other.
 * @throws when a migration that was applied before has another text now
 */
export async function migrate(db: Database, migrations: readonly Migration[]): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.query("select pg_advisory_xact_lock($1)", [LOCK]);
    // Reading first: `if not exists` asks a cache that may not know yet what was committed while we waited.
    const made = await tx.query("select from pg_tables where schemaname = 'scripta' and tablename = 'migrations'");
    if (made.rowCount === 0)
      await tx.query(`create schema if not exists scripta;
        create table scripta.migrations (
          name text primary key, sha256 text not null, applied_at timestamptz not null default now())`);
    const { rows } = await tx.query<{ name: string; sha256: string }>("select name, sha256 from scripta.migrations");
    const applied = new Map(rows.map(({ name, sha256 }) => [name, sha256]));
    for (const { name, sql } of migrations) {
      const sha256 = hash("sha256", sql);
      const before = applied.get(name);
      if (before === sha256) continue;
      if (before) throw new Error(`the migration ${name} was changed after it was applied: add a new one instead`);
      await tx.query(sql);
      await tx.query("insert into scripta.migrations (name, sha256) values ($1, $2)", [name, sha256]);
    }
  });
}
