import { z } from "zod";
import { Placement } from "../../commands/index.ts";
import { Uuid } from "../../domain/ids.ts";
import { isRejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import type { AccountParts } from "../parts.ts";
import { PasswordsBusy } from "../passwords.ts";
import { Registration, registerAccount } from "../registerAccount.ts";

/** Enough for any tenant's name; one that is none is simply unknown. */
export const TenantAsked = z.string().max(64).default("main");

export const Register = door({
  name: "Register",
  route: "POST /api/v1/auth/register",
  summary: "Makes a local account.",
  status: 201,
  access: "anyone",
  limit: "sign-in",
  socket: false,
  payload: Registration.extend({ tenant: TenantAsked }),
  result: z.object({ userId: Uuid, ...Placement.shape }),

  async run(registration, by, parts: AccountParts) {
    if (!(await parts.tenants.exists(registration.tenant))) return reject("not-found", "no such tenant");
    try {
      const registered = await registerAccount(parts, registration, by);
      return isRejection(registered) ? registered : { body: registered };
    } catch (error) {
      if (error instanceof PasswordsBusy) return { ...reject("unavailable", error.message), retryAfterSeconds: 1 };
      throw error;
    }
  },
});
