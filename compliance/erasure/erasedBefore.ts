import { byTenant } from "../../accounts/byTenant.ts";
import type { Engine } from "../../commands/index.ts";
import { createdId, tenantId } from "../../domain/ids.ts";
import { isRejection } from "../../domain/rejection.ts";
import { sayRequested } from "./sayRequested.ts";

interface Person {
  readonly tenant: string;
  readonly userId: string;
}

const reason = "The person was erased after this log had been saved; it was restored from that.";

/** The erasure by which a restored log tells of one that is not in it. */
export const erasedBeforeId = ({ tenant, userId }: Person): string =>
  createdId("erasure", tenant, tenantId(tenant), userId);

/**
 * Begins that erasure: all is swept again, and the log has an entry that says why this person's words open no more. It
 * waits for no hold: nothing is left to be destroyed.
 * @throws Error where the log does not take it now
 */
export async function tellErasedBefore(engine: Engine, { tenant, userId }: Person): Promise<void> {
  const erasureId = erasedBeforeId({ tenant, userId });
  const asked = { erasureId, commandId: erasureId, userId, reason, partial: true as const, redactNames: [] };
  const outcome = await sayRequested(engine, asked, byTenant(engine, tenant));
  if (isRejection(outcome)) throw new Error(`the erasure of ${userId} was not told again: ${outcome.detail}`);
}
