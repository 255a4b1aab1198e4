import type { Queryable } from "../../infra/ports/database.ts";
import { checkpoints, isCurrent } from "../generations.ts";
import type { Projection } from "../projection.ts";

/** A read model that is being rebuilt, or is to be. */
export interface Underway {
  readonly name: string;
  /** The live one is of another version or history of the log: it is read as it stands, and lags until it is replaced. */
  readonly stale: boolean;
}

export async function rebuildsUnderway(
  queryable: Queryable,
  projections: readonly Projection[],
  epoch: number,
): Promise<Underway[]> {
  const all = await checkpoints(queryable);
  return projections.flatMap((projection) => {
    const { name } = projection;
    const live = all.find(({ schema }) => schema === name);
    const stale = live !== undefined && !isCurrent(live, projection, epoch);
    const begun = all.some((one) => one.projection === name && one.phase !== "live");
    return stale || begun ? [{ name, stale }] : [];
  });
}
