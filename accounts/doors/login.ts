import { z } from "zod";
import { DeviceDescription } from "../../commands/index.ts";
import { isRejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { accountNamed } from "../accountRows.ts";
import type { AccountParts } from "../parts.ts";
import { PasswordsBusy } from "../passwords.ts";
import { openSession } from "../sessions/openSession.ts";
import { SignedIn } from "../sessions/pairs.ts";
import { TenantAsked } from "./register.ts";

const wrong = reject("unauthenticated", "the name or the password is wrong");

export const Login = door({
  name: "Login",
  route: "POST /api/v1/auth/login",
  summary: "Signs a device in with a password.",
  status: 200,
  access: "anyone",
  limit: "sign-in",
  socket: false,
  payload: z.strictObject({
    username: z.string().max(256),
    password: z.string().max(1_024),
    device: DeviceDescription,
    tenant: TenantAsked,
  }),
  result: SignedIn,

  async run({ tenant, username, password, device }, by, parts: AccountParts) {
    try {
      const person = await parts.failures.attempt({ tenant, username, address: by.address ?? "" }, async () => {
        const userId = await proved(parts, tenant, username, password);
        return userId === undefined ? undefined : { tenant, userId };
      });
      if (person === undefined) return wrong;
      if (isRejection(person)) return person;
      const signedIn = await openSession(parts, person, device, by);
      if (!isRejection(signedIn)) return { body: signedIn };
      return signedIn.rejected === "unauthenticated" ? wrong : signedIn;
    } catch (error) {
      if (error instanceof PasswordsBusy) return { ...reject("unavailable", error.message), retryAfterSeconds: 1 };
      throw error;
    }
  },
});

/** Whose name and password these are; it takes the same time whatever is wrong with them. */
async function proved(
  { engine, database, passwords, tenants }: AccountParts,
  tenant: string,
  username: string,
  password: string,
): Promise<string | undefined> {
  const account = (await tenants.exists(tenant))
    ? await accountNamed(database, tenant, await engine.sealing.lookupHash(tenant, "username", username))
    : undefined;
  const right = await passwords.verify(password, account?.passwordHash);
  return right && account?.open ? account.userId : undefined;
}
