import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { DeviceSignedIn } from "../../domain/user/events.ts";
import { isRegistered } from "../../domain/user/user.ts";
import { command, unchanged } from "../command.ts";
import { user } from "./aggregate.ts";

/** How a device calls itself; `name` is personal ("Ada's phone"), `platform` is not. */
export const DeviceDescription = z.strictObject({
  name: z.string().min(1).max(128),
  platform: z.string().regex(/^[\w .()/-]{1,64}$/),
});

/** The log's half of signing in. Its sender is the person whom the credentials proved. */
export const SignInDevice = command({
  name: "SignInDevice",
  route: "POST /api/v1/auth/login",
  summary: "Records that a device signed in.",
  status: 200,
  socket: false,
  on: user,
  payload: DeviceDescription.extend({ deviceId: Uuid }),
  result: z.object({}),
  id: (_, { userId }) => userId,

  decide(state, { deviceId, platform, name }) {
    if (!isRegistered(state) || state.deactivated) return reject("unauthenticated", "sign in again");
    const signedInAt = state.devices.get(deviceId);
    if (signedInAt !== undefined) return unchanged(signedInAt);
    return [DeviceSignedIn({ deviceId, platform }, { name })];
  },

  answer: () => ({}),
});
