import { randomBytes } from "node:crypto";
import { inject } from "vitest";
import type { Database } from "../../infra/ports/database.ts";
import { openDatabase } from "../../infra/postgres/database.ts";

export interface FreshDatabase {
  /** `postgres://…` of this database. */
  readonly url: string;
  readonly database: Database;
  /** Ends its connections and removes it. */
  drop(): Promise<void>;
}

/** A new, empty database on the run's PostgreSQL: `beforeAll(async () => { db = await freshDatabase(); })`. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const server = inject("postgres");
  const name = `test_${randomBytes(8).toString("hex")}`;
  const asAdmin = async (sql: string) => {
    const admin = openDatabase(`${server}/postgres`, { max: 1 });
    await admin.query(sql);
    await admin.close();
  };
  await asAdmin(`create database ${name}`);
  const database = openDatabase(`${server}/${name}`, { max: 8 });
  return {
    url: `${server}/${name}`,
    database,
    async drop() {
      await database.close();
      await asAdmin(`drop database ${name} with (force)`);
    },
  };
}
