import { readFileSync } from "node:fs";

/** What erasures, holds and retention keep beside the log. */
export const complianceMigrations = () => [
  { name: "compliance/0001-erasures", sql: readFileSync(new URL("./schema.sql", import.meta.url), "utf8") },
];
