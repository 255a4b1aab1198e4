import { decodeFacts } from "../../domain/catalogue.ts";
import { type DomainEvent, type Placed, placed } from "../../domain/event.ts";
import type { StreamId } from "../../domain/ids.ts";
import type { RecordedEvent } from "../../infra/ports/eventLog.ts";
import type { AggregateDeclaration } from "../command.ts";
import type { Engine } from "./engine.ts";

/** An aggregate met an event that a newer version wrote. Until this process knows it, it decides nothing there. */
export class UnknownEventMet extends Error {
  override name = "UnknownEventMet";
}

/** A folded state, and what it was folded up to. */
export class Loaded<State> {
  readonly state: State;
  revision: number;
  readonly #stream: StreamId;
  readonly #stateVersion: number;
  #snapshotAt: number;

  constructor(stream: StreamId, stateVersion: number, state: State, revision: number) {
    this.#stream = stream;
    this.#stateVersion = stateVersion;
    this.state = state;
    this.revision = revision;
    this.#snapshotAt = revision;
  }

  /** Keeps a snapshot once the tail has grown. In the background: nothing waits for it, and losing it costs time only. */
  keepSnapshot(engine: Engine): void {
    if (this.revision - this.#snapshotAt < engine.limits.snapshotEvery) return;
    this.#snapshotAt = this.revision;
    const state = JSON.stringify(this.state, writeMaps);
    const snapshot = { revision: this.revision, stateVersion: this.#stateVersion, state };
    engine.snapshots.save(this.#stream, snapshot).catch((error: unknown) => {
      process.emitWarning(`a snapshot of ${this.#stream} was not kept: ${String(error)}`);
    });
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
  const snapshot = await engine.snapshots.load(stream);
  // One beyond the head is from a history that a restored log has lost.
  const fits =
    snapshot?.stateVersion === aggregate.stateVersion && snapshot.revision <= (await engine.log.revision(stream));
  const state: State = fits ? JSON.parse(snapshot.state, readMaps) : aggregate.initial();
  const loaded = new Loaded(stream, aggregate.stateVersion, state, fits ? snapshot.revision : -1);
  await loadTail(stream, aggregate, engine, loaded);
  return loaded;
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
  }
}

const writeMaps = (_: string, value: unknown) => (value instanceof Map ? { entries: [...value], is: "Map" } : value);
const readMaps = (_: string, value: unknown) =>
  typeof value === "object" && value !== null && "is" in value && value.is === "Map" && "entries" in value
    ? new Map(Array.isArray(value.entries) ? value.entries : [])
    : value;
