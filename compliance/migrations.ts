import { readFileSync } from "node:fs";
import { accessLogMigrations } from "./access/accessLog.ts";

/** What erasures, holds and retention keep beside the log, and who looked at what. */
export const complianceMigrations = () => [
  { name: "compliance/0001-erasures", sql: readFileSync(new URL("./schema.sql", import.meta.url), "utf8") },
  ...accessLogMigrations(),
  { name: "compliance/0002-retention", sql: readFileSync(new URL("./retention/schema.sql", import.meta.url), "utf8") },
  { name: "compliance/0003-approvals", sql: readFileSync(new URL("./approvals/schema.sql", import.meta.url), "utf8") },
];
