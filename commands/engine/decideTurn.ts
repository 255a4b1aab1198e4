import { type DomainEvent, placed } from "../../domain/event.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import { Ahead } from "./ahead.ts";
import type { AggregateDeclaration, Unchanged } from "./deciding.ts";
import type { EngineLimits } from "./engine.ts";
import type { Loaded } from "./load.ts";
import { type Fetched, meet } from "./needs.ts";
import type { Decided } from "./record.ts";
import type { Waiting } from "./waiting.ts";

export interface Refused<State, Event extends DomainEvent> {
  readonly waiting: Waiting<State, Event>;
  readonly outcome: Rejection | Unchanged | "allowed";
  /** Refused before its key counts. */
  readonly final: boolean;
}

export type DecidedWaiting<State, Event extends DomainEvent> = Decided<Event> & {
  readonly waiting: Waiting<State, Event>;
};

/** What became of the commands of a turn. */
export interface Decisions<State, Event extends DomainEvent> {
  readonly decided: readonly DecidedWaiting<State, Event>[];
  readonly refused: readonly Refused<State, Event>[];
  /** To be decided once what was decided is committed. Empty where nothing was decided. */
  readonly again: readonly Waiting<State, Event>[];
}

/**
 * Decides commands in order, each on what those before it led to. The state is changed in place, ahead of the log.
 * @param admitted those whose needs were fetched; whoever is let in by an earlier command of the turn comes again
 * @param day the bucket of today's content
 */
export function decideTurn<State, Event extends DomainEvent>(
  turn: readonly Waiting<State, Event>[],
  admitted: ReadonlySet<Waiting<State, Event>>,
  loaded: Loaded<State>,
  fetched: Fetched<Event>,
  aggregate: AggregateDeclaration<State, Event>,
  day: string,
  limits: EngineLimits,
): Decisions<State, Event> {
  const decided: DecidedWaiting<State, Event>[] = [];
  const refused: Refused<State, Event>[] = [];
  const again: Waiting<State, Event>[] = [];
  const taken = new Set<string>();
  const ahead = new Ahead<Event>(day);
  for (const waiting of turn) {
    const { name, payload, sender, decide } = waiting.pending;
    const unauthorised = aggregate.authorise?.(loaded.state, sender);
    if (unauthorised) {
      refused.push({ waiting, outcome: unauthorised, final: true });
      continue;
    }
    if (taken.has(sender.commandId) || !admitted.has(waiting)) {
      again.push(waiting);
      continue;
    }
    const outcome = decide(loaded.state, meet(fetched, ahead, limits));
    if (outcome === "allowed" || isRejection(outcome) || "unchanged" in outcome) {
      refused.push({ waiting, outcome, final: false });
      continue;
    }
    taken.add(sender.commandId);
    for (const event of outcome) {
      loaded.revision++;
      const facts = placed(event, loaded.revision);
      aggregate.evolve(loaded.state, facts);
      ahead.add(event, facts);
    }
    decided.push({ waiting, name, payload, sender, events: outcome });
  }
  return { decided, refused, again };
}
