import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";
import { DeviceSignedOut, UserDeactivated } from "../../domain/user/events.ts";
import { command, unchanged } from "../command.ts";
import { user } from "./aggregate.ts";
import { notAdministered } from "./notAdministered.ts";

export const DeactivateUser = command({
  name: "DeactivateUser",
  route: "POST /api/v1/admin/users/:userId/deactivate",
  summary: "Shuts an account: it is signed out everywhere and cannot sign in.",
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
    if (state.deactivated) return unchanged(state.deactivatedAt);
    return [UserDeactivated({}), ...[...state.devices.keys()].map((deviceId) => DeviceSignedOut({ deviceId }))];
  },

  answer: () => ({}),
});
