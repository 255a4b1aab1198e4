import { expect } from "vitest";
import type { z } from "zod";
import type { CommandDoor } from "../../commands/command.ts";
import type { About, Account, Met, Sender } from "../../commands/engine/deciding.ts";
import { aboutOf } from "../../commands/engine/needs.ts";
import type { By } from "../../domain/by.ts";
import { type AnyEvent, declarationOf, decodeFacts } from "../../domain/catalogue.ts";
import { type DomainEvent, placed } from "../../domain/event.ts";
import { isRejection, type RejectionCode } from "../../domain/rejection.ts";
import { misshapen } from "../../infra/ports/door.ts";

const target = (data: unknown): unknown =>
  typeof data === "object" && data !== null && "target" in data ? data.target : undefined;

/** The moment at which every command of a specification arrives. */
export const NOW = new Date("2026-11-21T08:00:00.000Z");

/** A specification in events: given a history, when somebody sends a command, then these events or this refusal. */
export const given = (...history: readonly AnyEvent[]) => ({
  when<State, Event extends DomainEvent, Payload extends z.ZodType, Result extends z.ZodObject>(
    it: CommandDoor<State, Event, Payload, Result>,
    payload: z.input<Payload>,
    userId: string,
    world: { by?: Partial<By>; accounts?: Readonly<Record<string, Partial<Account>>>; groupMembers?: number } = {},
  ) {
    const state = it.on.initial();
    const past = history.map(({ type, data }, revision) => {
      const facts = decodeFacts({ type, version: declarationOf(type)?.version ?? 0, data: JSON.stringify(data) });
      if (facts.type === "?" || !it.on.owns(facts)) throw new Error(`${type} is no event of this stream`);
      return placed<Event>(facts, revision);
    });
    for (const event of past) it.on.evolve(state, event);
    const sealedAt = (revision: number): unknown => {
      const event = history[revision];
      return event && "sealed" in event ? event.sealed : undefined;
    };
    const met: Met<Event> = {
      groupMembers: world.groupMembers ?? 1_024,
      eventsAbout: (messageId) =>
        past.flatMap((fact): About<Event>[] =>
          target(fact.data) === messageId ? [aboutOf<Event>(fact, "2026-11-20", sealedAt(fact.revision))] : [],
        ),
      account: (id) =>
        world.accounts?.[id] && { guest: false, deactivated: false, erased: false, ...world.accounts[id] },
      opened: sealedAt,
    };
    const sender: Sender = {
      tenant: "main",
      userId,
      deviceId: null,
      roles: [],
      guest: false,
      now: NOW,
      correlationId: "test",
      commandId: "01890a5d-1111-7000-8000-0000000000aa",
      ...world.by,
    };
    const outcome = () => {
      const parsed = it.payload.safeParse(payload);
      if (!parsed.success) return misshapen(parsed.error);
      const refused = it.on.authorise?.(state, sender);
      return refused ?? it.decide(state, parsed.data, { ...sender, met });
    };
    return {
      thenEvents: (...expected: Event[]) => expect(outcome()).toEqual(expected),
      thenRejected: (rejected: RejectionCode) => expect(outcome()).toMatchObject({ rejected }),
      /** Nothing happens: the event at this revision made it so. */
      thenUnchanged: (revision: number) => expect(outcome()).toEqual({ unchanged: revision }),
      thenAccepted: () => expect(isRejection(outcome())).toBe(false),
    };
  },
});
