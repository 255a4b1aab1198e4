import { setTimeout as pause } from "node:timers/promises";
import type { Queryable } from "../infra/ports/database.ts";
import { projections } from "./all.ts";
import { lowestCheckpoint } from "./inbox/queries.ts";
import type { Milestones } from "./milestones.ts";

const FOLDED_AGAIN_MS = 2_000;
const LOOK_EVERY_MS = 20;
const schemas = projections.map(({ name }) => name);

/**
 * To be asked of each new connection that rows are read on. Nobody waits until a commit of the read models is on disk, so
 * a crash of the database may take the last ones along; but it takes every connection, too. So who reads on one of those
 * that passed meets no less than this process knew to be held.
 * @returns false where that is not folded again in 2 s
 */
export async function holdsWhatWasTold(connection: Queryable, milestones: Milestones): Promise<boolean> {
  if (milestones.reached() === 0) return true;
  for (const until = performance.now() + FOLDED_AGAIN_MS; performance.now() < until; await pause(LOOK_EVERY_MS))
    if ((await lowestCheckpoint(connection, schemas)) >= milestones.reached()) return true;
  return false;
}
