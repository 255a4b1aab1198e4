import { byTenant } from "../../accounts/byTenant.ts";
import { type Engine, unchanged } from "../../commands/index.ts";
import { tenant as tenantAggregate } from "../../commands/tenant/aggregate.ts";
import { streamId, tenantId } from "../../domain/ids.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import { type Policies, PoliciesChanged } from "../../domain/tenant/events.ts";

/** By the operator's hand alone: no officer takes away what keeps an eye on officers. */
export async function setPolicies(
  engine: Engine,
  tenant: string,
  change: Partial<Policies>,
): Promise<Rejection | undefined> {
  const outcome = await tenantAggregate.mailboxes(engine).send(streamId(tenant, "tenant", tenantId(tenant)), {
    name: "SetPolicies",
    payload: change,
    sender: { ...byTenant(engine, tenant), commandId: engine.newId() },
    keyed: false,
    needs: () => undefined,
    decide({ policies, policiesAt }) {
      const { fourEyes, purpose } = { ...policies, ...change };
      const after = { fourEyes: [...new Set(fourEyes)].sort(), purpose };
      return JSON.stringify(after) === JSON.stringify(policies) ? unchanged(policiesAt) : [PoliciesChanged(after)];
    },
  });
  return isRejection(outcome) ? outcome : undefined;
}
