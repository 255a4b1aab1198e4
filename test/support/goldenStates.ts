import { z } from "zod";
import { conversation } from "../../commands/conversation/aggregate.ts";
import type { AggregateDeclaration } from "../../commands/engine/deciding.ts";
import { writeState } from "../../commands/engine/storedState.ts";
import { tenant } from "../../commands/tenant/aggregate.ts";
import { user } from "../../commands/user/aggregate.ts";
import { complianceCase } from "../../compliance/complianceCase.ts";
import { declarationOf, decodeFacts } from "../../domain/catalogue.ts";
import { complianceEvents } from "../../domain/compliance/events.ts";
import { conversationEvents } from "../../domain/conversation/events.ts";
import { type DomainEvent, placed } from "../../domain/event.ts";
import { tenantEvents } from "../../domain/tenant/events.ts";
import { userEvents } from "../../domain/user/events.ts";

const History = z.array(z.strictObject({ type: z.string(), data: z.unknown() }));

/** Histories of an aggregate, in today's versions, with what its fold makes of them; `null` where nobody looked yet. */
export const GoldenStates = z.strictObject({
  stateVersion: z.int(),
  cases: z.array(z.strictObject({ history: History, state: z.record(z.string(), z.unknown()).nullable() })).min(1),
});

function foldable<State, Event extends DomainEvent>(
  aggregate: AggregateDeclaration<State, Event>,
  events: readonly { readonly type: string }[],
) {
  return {
    kind: aggregate.kind,
    stateVersion: aggregate.stateVersion,
    types: events.map(({ type }) => type),
    /** The state, as a snapshot holds it. */
    async fold(history: z.infer<typeof History>): Promise<unknown> {
      const state = aggregate.initial();
      for (const [revision, { type, data }] of history.entries()) {
        const version = declarationOf(type)?.version ?? 0;
        const facts = decodeFacts({ type, version, data: JSON.stringify(data) });
        if (facts.type === "?" || !aggregate.owns(facts)) throw new Error(`${type} is no event of ${aggregate.kind}`);
        aggregate.evolve(state, placed<Event>(facts, revision));
      }
      const [part = "{}"] = await writeState(state);
      return JSON.parse(part);
    },
  };
}

export const foldables = [
  foldable(conversation, conversationEvents),
  foldable(user, userEvents),
  foldable(tenant, tenantEvents),
  foldable(complianceCase, complianceEvents),
];
