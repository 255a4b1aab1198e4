import type { AggregateDeclaration } from "../../commands/engine/deciding.ts";
import { madeBy } from "../../commands/engine/load.ts";
import { readState, writeState } from "../../commands/engine/storedState.ts";
import type { DomainEvent } from "../../domain/event.ts";
import { parseStreamId, streamId } from "../../domain/ids.ts";
import type { Queryable } from "../../infra/ports/database.ts";
import type { Snapshot, Snapshots } from "../../infra/ports/snapshots.ts";
import type { Deviation } from "./findings.ts";

/** The revisions of the snapshots of this epoch, by their streams: one in a thousand events, at most. */
export async function snapshotRevisions(database: Queryable, epoch: number): Promise<ReadonlyMap<string, number>> {
  const { rows } = await database.query<{ stream: string; revision: number }>(
    "select stream, revision from ops.snapshots where epoch = $1",
    [epoch],
  );
  return new Map(rows.map(({ stream, revision }) => [stream, revision]));
}

/**
 * The snapshot of a stream that has one. One that does not load in spite of that did no harm, since the log gives its
 * state again, but something altered it.
 */
export async function snapshotOf(
  snapshots: Snapshots,
  stream: string,
  revision: number,
  add: (deviation: Deviation) => void,
): Promise<Snapshot | undefined> {
  const { tenant, kind, id } = parseStreamId(stream);
  const snapshot = await snapshots.load(streamId(tenant, kind, id));
  if (!snapshot) add({ rule: "a snapshot is as it was kept", found: "its checksum does not fit", stream, revision });
  return snapshot;
}

/** Whether a snapshot holds the state that was folded from the log; undefined where another program made it. */
export async function holdsState<State, Event extends DomainEvent>(
  aggregate: Pick<AggregateDeclaration<State, Event>, "state" | "stateVersion">,
  snapshot: Snapshot,
  folded: State,
): Promise<boolean | undefined> {
  if (snapshot.madeBy !== madeBy(aggregate)) return undefined;
  const [kept, now] = [snapshot.parts, await writeState(folded)];
  const [one, other] = [await readState(aggregate.state, kept), await readState(aggregate.state, now)];
  // Written again by the same hand: the order of a Map's entries counts, that of an object's fields does not.
  return one !== undefined && (await writeState(one)).join("\n") === (await writeState(other)).join("\n");
}
