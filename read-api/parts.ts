import type { Database } from "../infra/ports/database.ts";
import type { Cursors } from "./cursors.ts";
import type { Opener } from "./openPeople.ts";

/** What reading runs on. */
export interface ReadParts {
  readonly database: Database;
  readonly sealing: Opener;
  readonly cursors: Cursors;
}
