import { readFileSync } from "node:fs";

/** What the verifiable log needs in its database. */
export const tlogMigrations = () => [
  { name: "tlog/0001-entries", sql: readFileSync(new URL("schema.sql", import.meta.url), "utf8") },
  { name: "tlog/0002-cosignatures", sql: readFileSync(new URL("cosignatures.sql", import.meta.url), "utf8") },
];
