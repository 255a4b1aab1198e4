import { z } from "zod";
import { isRejection } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import type { AccountParts } from "../parts.ts";
import { SignedIn } from "../sessions/pairs.ts";
import { renewSession } from "../sessions/renewSession.ts";

export const Refresh = door({
  name: "Refresh",
  route: "POST /api/v1/auth/refresh",
  summary: "Gives new tokens for a refresh token, which is used up by it.",
  status: 200,
  access: "anyone",
  socket: false,
  payload: z.strictObject({ refreshToken: z.string().max(512) }),
  result: SignedIn,

  async run({ refreshToken }, by, parts: AccountParts) {
    const renewed = await renewSession(parts, refreshToken, by);
    return isRejection(renewed) ? renewed : { body: renewed };
  },
});
