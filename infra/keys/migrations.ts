import { readFileSync } from "node:fs";
import type { Migration } from "../postgres/migrate.ts";

/** What the secrets need in their database. */
export const keysMigrations = (): readonly Migration[] => [
  { name: "keys/0001-secrets", sql: readFileSync(new URL("schema.sql", import.meta.url), "utf8") },
  { name: "keys/0002-holds", sql: readFileSync(new URL("holds.sql", import.meta.url), "utf8") },
];
