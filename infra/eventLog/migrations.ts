import { readFileSync } from "node:fs";
import type { Migration } from "../postgres/migrate.ts";

/** What the log needs in its database. */
export const logMigrations = (): readonly Migration[] => [
  { name: "log/0001-events", sql: readFileSync(new URL("schema.sql", import.meta.url), "utf8") },
];
