import { decodeFacts } from "../../domain/catalogue.ts";
import { type DomainEvent, type Placed, placed } from "../../domain/event.ts";
import type { StreamId } from "../../domain/ids.ts";
import type { RecordedEvent } from "../../infra/ports/eventLog.ts";
import type { Snapshot } from "../../infra/ports/snapshots.ts";
import type { AggregateDeclaration } from "./deciding.ts";
import type { Engine } from "./engine.ts";
import { entriesOf, readState, type StateSchema, shapeOf, writeState } from "./storedState.ts";

/** An aggregate met an event that a newer version wrote. Until this process knows it, it decides nothing there. */
export class UnknownEventMet extends Error {
  override name = "UnknownEventMet";
}

const LONG_REPLAY = 50_000;
/** Entries of a state whose writing takes as long as folding one event. */
const ENTRIES_AN_EVENT = 4;

/** By which fold, and in which shape, a snapshot of an aggregate is made. */
export const madeBy = <State>({ stateVersion, state }: { stateVersion: number; state: StateSchema<State> }): string =>
  `${stateVersion} ${shapeOf(state)}`;

/** A folded state, and what it was folded up to. */
export class Loaded<State> {
  readonly state: State;
  revision: number;
  readonly #stream: StreamId;
  readonly #madeBy: string;
  #snapshotAt: number;
  #keeping = false;

  /** @param snapshotAt the revision of the snapshot that the state is of, -1 where there was none */
  constructor(stream: StreamId, madeBy: string, state: State, snapshotAt: number) {
    this.#stream = stream;
    this.#madeBy = madeBy;
    this.state = state;
    this.revision = snapshotAt;
    this.#snapshotAt = snapshotAt;
  }

  /**
   * Keeps a snapshot once the tail has grown, and grown long for so large a state. In the background: nothing waits for
   * it, and losing it costs time only.
   */
  keepSnapshot(engine: Engine): void {
    const tail = this.revision - this.#snapshotAt;
    if (this.#keeping || tail < engine.limits.snapshotEvery) return;
    if (tail < entriesOf(this.state) / ENTRIES_AN_EVENT) return;
    void this.#keep(engine, this.revision);
  }

  async #keep(engine: Engine, revision: number): Promise<void> {
    this.#snapshotAt = revision;
    this.#keeping = true;
    try {
      const parts = await writeState(this.state);
      await engine.snapshots.save(this.#stream, { revision, madeBy: this.#madeBy, parts });
    } catch (error) {
      process.emitWarning(`a snapshot of ${this.#stream} was not kept: ${String(error)}`);
    } finally {
      this.#keeping = false;
    }
  }
}

/** Facts of a recorded event of an aggregate's own stream. @throws UnknownEventMet, MalformedEvent */
export function factsOf<State, Event extends DomainEvent>(
  recorded: RecordedEvent,
  aggregate: AggregateDeclaration<State, Event>,
): Placed<Event> {
  const facts = decodeFacts(recorded);
  if (facts.type === "?" || !aggregate.owns(facts))
    throw new UnknownEventMet(
      `${recorded.stream} holds ${recorded.type} v${recorded.version} at revision ${recorded.revision}, which this version does not know: update it`,
    );
  return placed<Event>(facts, recorded.revision);
}

export async function load<State, Event extends DomainEvent>(
  stream: StreamId,
  aggregate: AggregateDeclaration<State, Event>,
  engine: Engine,
): Promise<Loaded<State>> {
  const own = madeBy(aggregate);
  const snapshot = await engine.snapshots.load(stream);
  const kept = snapshot?.madeBy === own ? await stateOf(stream, snapshot, aggregate, engine) : undefined;
  const loaded =
    snapshot && kept !== undefined
      ? new Loaded(stream, own, kept, snapshot.revision)
      : new Loaded(stream, own, aggregate.initial(), -1);
  await loadTail(stream, aggregate, engine, loaded);
  return loaded;
}

/** The state that a snapshot holds; one that cannot be used is dropped. */
async function stateOf<State, Event extends DomainEvent>(
  stream: StreamId,
  snapshot: Snapshot,
  aggregate: AggregateDeclaration<State, Event>,
  engine: Engine,
): Promise<State | undefined> {
  // One beyond the head is from a history that a restored log has lost.
  const within = snapshot.revision <= (await engine.log.revision(stream));
  const state = within ? await readState(aggregate.state, snapshot.parts) : undefined;
  if (state === undefined) await engine.snapshots.drop(stream);
  return state;
}

export async function loadTail<State, Event extends DomainEvent>(
  stream: StreamId,
  aggregate: AggregateDeclaration<State, Event>,
  engine: Engine,
  loaded: Loaded<State>,
): Promise<void> {
  for await (const recorded of engine.log.readStream(stream, loaded.revision + 1)) {
    aggregate.evolve(loaded.state, factsOf(recorded, aggregate));
    loaded.revision = recorded.revision;
    // Whatever ends a long replay, the next one goes on from about there.
    if (loaded.revision % LONG_REPLAY === 0) loaded.keepSnapshot(engine);
  }
  loaded.keepSnapshot(engine);
}
