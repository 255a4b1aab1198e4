import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";
import { UserReactivated } from "../../domain/user/events.ts";
import { command, unchanged } from "../command.ts";
import { user } from "./aggregate.ts";
import { notAdministered } from "./notAdministered.ts";

export const ReactivateUser = command({
  name: "ReactivateUser",
  route: "POST /api/v1/admin/users/:userId/reactivate",
  summary: "Opens a deactivated account again; its devices sign in anew.",
  status: 200,
  access: ["admin"],
  socket: false,
  on: user,
  payload: z.strictObject({ userId: Uuid }),
  result: z.object({}),
  id: ({ userId }) => userId,

  decide(state, _, by) {
    const refused = notAdministered(state, by);
    if (refused) return refused;
    if (!state.deactivated) return unchanged(state.deactivatedAt);
    return [UserReactivated({})];
  },

  answer: () => ({}),
});
