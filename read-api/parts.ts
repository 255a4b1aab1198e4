import type { Database } from "../infra/ports/database.ts";
import type { Projector } from "../projections/projector.ts";
import type { Cursors } from "./cursors.ts";
import type { Opener } from "./openPeople.ts";

/** What reading runs on. */
export interface ReadParts {
  readonly database: Database;
  readonly sealing: Opener;
  readonly projector: Pick<Projector, "waitFor" | "checkpoint">;
  readonly cursors: Cursors;
}
