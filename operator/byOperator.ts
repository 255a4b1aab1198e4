import type { Looking } from "../compliance/access/writtenDown.ts";
import { PURPOSE_CHARACTERS } from "../infra/http/request.ts";
import type { Clock } from "../infra/ports/clock.ts";
import { CommandFailed } from "./commandFailed.ts";

/** The operator, on the machine itself, who looks at what is a tenant's. @throws CommandFailed where the purpose says nothing */
export const byOperator = (
  { clock }: { readonly clock: Clock },
  { tenant, purpose }: { readonly tenant: string; readonly purpose?: string | undefined },
): Looking => ({ tenant, at: new Date(clock.now()), actor: null, device: null, purpose: worded(purpose) });

/** The same that holds over HTTP. */
export function worded(purpose: string | undefined): string | undefined {
  if (purpose !== undefined && (purpose.trim() === "" || purpose.length > PURPOSE_CHARACTERS))
    throw new CommandFailed(`--purpose must say something, in at most ${PURPOSE_CHARACTERS} characters`);
  return purpose;
}
