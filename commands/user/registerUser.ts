import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { UserRegistered } from "../../domain/user/events.ts";
import { DisplayName, Username } from "../../domain/user/profile.ts";
import { isRegistered } from "../../domain/user/user.ts";
import { command } from "../command.ts";
import { user } from "./aggregate.ts";

/** The log's half of a registration; that the name is free was settled before. Its sender is the new person. */
export const RegisterUser = command({
  name: "RegisterUser",
  route: "POST /api/v1/auth/register",
  summary: "Makes an account's stream.",
  status: 201,
  socket: false,
  on: user,
  payload: z.strictObject({ username: Username, displayName: DisplayName, imported: z.boolean() }),
  result: z.object({ userId: Uuid }),
  id: (_, { userId }) => userId,

  decide(state, { username, displayName, imported }) {
    if (isRegistered(state)) return reject("conflict", "the name is taken");
    return [UserRegistered({ imported }, { username, displayName })];
  },

  answer: (_events, _payload, { userId }) => ({ userId }),
});
