import { aggregate, type Engine, unchanged } from "../commands/index.ts";
import type { By } from "../domain/by.ts";
import { ComplianceCase, evolve, newCase, saidAt } from "../domain/compliance/case.ts";
import { type ComplianceEvent, complianceEvents } from "../domain/compliance/events.ts";
import { streamId } from "../domain/ids.ts";
import { isRejection } from "../domain/rejection.ts";

const types: ReadonlySet<string> = new Set(complianceEvents.map(({ type }) => type));

/** One stream an erasure, one a hold, one for the access log, one for each person's emergency access to a conversation. */
export const complianceCase = aggregate<ComplianceCase, ComplianceEvent>({
  kind: "compliance",
  initial: newCase,
  evolve,
  owns: (facts): facts is Extract<typeof facts, { type: ComplianceEvent["type"] }> => types.has(facts.type),
  state: ComplianceCase,
  stateVersion: 3,
});

/**
 * Says in a case what was done, once: what it says already is not said again.
 * @throws Error where the log does not take it now
 */
export async function sayInCase(engine: Engine, caseId: string, by: By, event: ComplianceEvent): Promise<void> {
  const outcome = await complianceCase.mailboxes(engine).send(streamId(by.tenant, "compliance", caseId), {
    name: event.type,
    payload: event.data,
    sender: { ...by, commandId: engine.newId() },
    keyed: false,
    needs: () => undefined,
    decide(state) {
      const said = saidAt(state, event);
      return said === undefined ? [event] : unchanged(said);
    },
  });
  if (isRejection(outcome)) throw new Error(`${event.type} of ${caseId} was not recorded: ${outcome.detail}`);
}
