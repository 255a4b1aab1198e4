import { decodeFacts } from "../../domain/catalogue.ts";
import { streamId, tenantId } from "../../domain/ids.ts";
import type { FourEyesAction, Policies } from "../../domain/tenant/events.ts";
import { defaultPolicies } from "../../domain/tenant/tenant.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";

interface Known {
  readonly revision: number;
  readonly policies: Policies;
}

/** How far each tenant's stream was read, for each log: what was said stays said, so only what follows is read. */
const known = new WeakMap<EventLog, Map<string, Known>>();

/** As the tenant's own stream tells now. @throws LogUnavailable */
export async function readPolicies(log: EventLog, tenant: string): Promise<Policies> {
  const ofLog = known.get(log) ?? new Map<string, Known>();
  known.set(log, ofLog);
  let { revision, policies } = ofLog.get(tenant) ?? { revision: -1, policies: defaultPolicies };
  for await (const recorded of log.readStream(streamId(tenant, "tenant", tenantId(tenant)), revision + 1)) {
    const facts = decodeFacts(recorded);
    if (facts.type === "PoliciesChanged") policies = facts.data;
    revision = recorded.revision;
  }
  ofLog.set(tenant, { revision, policies });
  return policies;
}

/** Whether this waits for a second officer. @throws LogUnavailable */
export const takesTwo = async (log: EventLog, tenant: string, action: FourEyesAction): Promise<boolean> =>
  (await readPolicies(log, tenant)).fourEyes.includes(action);
