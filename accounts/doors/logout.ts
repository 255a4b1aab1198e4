import { z } from "zod";
import { door } from "../../infra/ports/door.ts";
import type { AccountParts } from "../parts.ts";
import { endSession } from "../sessions/endSession.ts";
import { signedOut } from "../sessions/sessions.ts";

export const Logout = door({
  name: "Logout",
  route: "POST /api/v1/auth/logout",
  summary: "Signs this device out, at once.",
  status: 204,
  access: "signed-in",
  socket: false,
  payload: z.strictObject({}),
  result: z.null(),

  async run(_, by, parts: AccountParts) {
    if (by.deviceId === null) return signedOut;
    return (await endSession(parts, by.deviceId, by)) ?? { body: null };
  },
});
