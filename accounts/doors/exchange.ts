import { z } from "zod";
import { DeviceDescription } from "../../commands/index.ts";
import { reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import type { AccountParts } from "../parts.ts";
import { SignedIn } from "../sessions/pairs.ts";
import { TenantAsked } from "./register.ts";

/** Local accounts are the only ones so far: no issuer can be configured, so that none is trusted. */
export const Exchange = door({
  name: "Exchange",
  route: "POST /api/v1/auth/exchange",
  summary: "Signs a device in with another issuer's token, where one is configured.",
  status: 200,
  access: "anyone",
  limit: "sign-in",
  socket: false,
  payload: z.strictObject({ token: z.string().max(16_384), device: DeviceDescription, tenant: TenantAsked }),
  result: SignedIn,

  async run(_payload, _by, _parts: AccountParts) {
    return reject("not-found", "no issuer is configured");
  },
});
