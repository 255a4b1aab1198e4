import type { Looking } from "../compliance/access/writtenDown.ts";
import type { Clock } from "../infra/ports/clock.ts";

/** The operator, on the machine itself, who looks at what is a tenant's. */
export const byOperator = (
  { clock }: { readonly clock: Clock },
  { tenant, purpose }: { readonly tenant: string; readonly purpose?: string | undefined },
): Looking => ({ tenant, at: new Date(clock.now()), actor: null, device: null, purpose });
