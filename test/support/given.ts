import { expect } from "vitest";
import type { z } from "zod";
import type { About, Account, CommandDoor, Met, Sender } from "../../commands/command.ts";
import { aboutOf } from "../../commands/engine/needs.ts";
import type { By } from "../../domain/by.ts";
import { type DomainEvent, placed } from "../../domain/event.ts";
import { isRejection, type RejectionCode } from "../../domain/rejection.ts";

const target = (data: unknown): unknown =>
  typeof data === "object" && data !== null && "target" in data ? data.target : undefined;

/** The moment at which every command of a specification arrives. */
export const NOW = new Date("2026-11-21T08:00:00.000Z");

/** A specification in events: given a history, when somebody sends a command, then these events or this refusal. */
export const given = <Event extends DomainEvent>(...history: readonly Event[]) => ({
  when<State, Payload extends z.ZodType, Result extends z.ZodObject>(
    it: CommandDoor<State, Event, Payload, Result>,
    payload: z.input<Payload>,
    userId: string,
    world: { by?: Partial<By>; accounts?: Readonly<Record<string, Partial<Account>>>; groupMembers?: number } = {},
  ) {
    const state = it.on.initial();
    const past = history.map((event, revision) => placed<Event>(event, revision));
    for (const event of past) it.on.evolve(state, event);
    const met: Met<Event> = {
      groupMembers: world.groupMembers ?? 1_024,
      eventsAbout: (messageId) =>
        past.flatMap((fact, revision): About<Event>[] =>
          target(fact.data) === messageId ? [aboutOf<Event>(fact, "2026-11-20", history[revision]?.sealed)] : [],
        ),
      account: (id) =>
        world.accounts?.[id] && { guest: false, deactivated: false, erased: false, ...world.accounts[id] },
      opened: (revision) => history[revision]?.sealed,
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
      const refused = it.on.authorise?.(state, sender);
      return refused ?? it.decide(state, it.payload.parse(payload), { ...sender, met });
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
