import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { DeviceSignedOut } from "../../domain/user/events.ts";
import { isRegistered } from "../../domain/user/user.ts";
import { command, unchanged } from "../command.ts";
import { user } from "./aggregate.ts";

export const SignOutDevice = command({
  name: "SignOutDevice",
  route: "DELETE /api/v1/me/devices/:deviceId",
  summary: "Signs one of one's devices out.",
  status: 200,
  socket: false,
  on: user,
  payload: z.strictObject({ deviceId: Uuid }),
  result: z.object({}),
  id: (_, { userId }) => userId,

  decide(state, { deviceId }) {
    if (!isRegistered(state)) return reject("not-found", "no such device");
    if (!state.devices.has(deviceId)) return unchanged(state.registeredAt);
    return [DeviceSignedOut({ deviceId })];
  },

  answer: () => ({}),
});
