import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { DeviceSignedOut, UserDeactivated } from "../../domain/user/events.ts";
import { isRegistered } from "../../domain/user/user.ts";
import { command, unchanged } from "../command.ts";
import { user } from "./aggregate.ts";

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

  decide(state, _, { roles }) {
    if (!roles.includes("admin")) return reject("forbidden", "for administrators");
    if (!isRegistered(state)) return reject("not-found", "no such account");
    if (state.deactivated) return unchanged(state.deactivatedAt);
    return [UserDeactivated({}), ...[...state.devices.keys()].map((deviceId) => DeviceSignedOut({ deviceId }))];
  },

  answer: () => ({}),
});
