import type { DomainEvent, Placed } from "../../domain/event.ts";
import { parseStreamId, type StreamId } from "../../domain/ids.ts";
import type { RecordedEvent } from "../../infra/ports/eventLog.ts";
import type { About, Account, AggregateDeclaration, Met } from "./deciding.ts";
import type { Engine, EngineLimits } from "./engine.ts";
import { factsOf, type Loaded } from "./load.ts";
import type { Pending } from "./pending.ts";

/** What the commands of one turn asked for, read once for all of them. */
export interface Fetched<Event extends DomainEvent> {
  readonly messages: ReadonlyMap<string, readonly About<Event>[]>;
  readonly accounts: ReadonlyMap<string, Account>;
  readonly opened: ReadonlyMap<number, unknown>;
}

export async function fetchNeeds<State, Event extends DomainEvent>(
  turn: readonly Pending<State, Event>[],
  stream: StreamId,
  aggregate: AggregateDeclaration<State, Event>,
  loaded: Loaded<State>,
  engine: Engine,
): Promise<Fetched<Event>> {
  const messageIds = new Set<string>();
  const withContents = new Set<string>();
  const userIds = new Set<string>();
  const revisions = new Set<number>();
  for (const pending of turn) {
    const needs = pending.needs(loaded.state);
    for (const id of needs?.messages ?? []) {
      messageIds.add(id);
      if (needs?.contents) withContents.add(id);
    }
    for (const id of needs?.accounts ?? []) userIds.add(id);
    for (const revision of needs?.opened ?? []) if (revision >= 0) revisions.add(revision);
  }
  const { tenant } = parseStreamId(stream);
  const [messages, accounts, opened] = await Promise.all([
    Promise.all(
      [...messageIds].map(async (id) => {
        const recorded = await engine.log.readTarget(stream, id);
        const seen = recorded.filter((event) => event.revision <= loaded.revision);
        return [id, await about(seen, aggregate, withContents.has(id), engine)] as const;
      }),
    ),
    userIds.size === 0 ? new Map<string, Account>() : engine.accounts(tenant, [...userIds]),
    Promise.all(
      [...revisions].map(async (revision) => {
        for await (const recorded of engine.log.readStream(stream, revision, 1))
          return [revision, (await contents([recorded], engine))[0]] as const;
        return [revision, undefined] as const;
      }),
    ),
  ]);
  return { messages: new Map(messages), accounts, opened: new Map(opened) };
}

async function about<State, Event extends DomainEvent>(
  recorded: readonly RecordedEvent[],
  aggregate: AggregateDeclaration<State, Event>,
  withContents: boolean,
  engine: Engine,
): Promise<About<Event>[]> {
  const opened = withContents ? await contents(recorded, engine) : [];
  return recorded.map((event, index) => aboutOf(factsOf(event, aggregate), event.sealed?.bucket, opened[index]));
}

/** What is sealed in each event: undefined where nothing is, or where it is erased. */
async function contents(events: readonly RecordedEvent[], engine: Engine): Promise<unknown[]> {
  const sealed = events.flatMap((event) => (event.sealed ? [{ ...event, sealed: event.sealed }] : []));
  const opened = await engine.sealing.open(sealed);
  const byId = new Map(sealed.map((event, index) => [event.id, opened[index]]));
  return events.map((event) => {
    const found = byId.get(event.id);
    return found?.state === "readable" ? found.content : undefined;
  });
}

/** A fact about a message, with where it is sealed and what is in it. */
export function aboutOf<Event extends DomainEvent>(
  fact: Placed<Event>,
  bucket: string | undefined,
  content: unknown,
): About<Event>;
export function aboutOf(fact: object, bucket: string | undefined, content: unknown): unknown {
  return { ...fact, ...(bucket === undefined ? {} : { bucket }), ...(content === undefined ? {} : { content }) };
}

/** What one command meets: what was fetched, with what its turn decided before it. */
export const meet = <Event extends DomainEvent>(
  fetched: Fetched<Event>,
  ahead: { eventsAbout(messageId: string): readonly About<Event>[]; content(revision: number): unknown },
  { groupMembers }: EngineLimits,
): Met<Event> => ({
  groupMembers,
  eventsAbout: (messageId) => [...(fetched.messages.get(messageId) ?? []), ...ahead.eventsAbout(messageId)],
  account: (userId) => fetched.accounts.get(userId),
  opened: (revision) => ahead.content(revision) ?? fetched.opened.get(revision),
});
