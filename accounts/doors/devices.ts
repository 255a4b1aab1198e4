import { z } from "zod";
import { Time } from "../../domain/conversation/events.ts";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import type { AccountParts } from "../parts.ts";
import { isDeviceOf } from "../sessions/deviceRows.ts";
import { endSession } from "../sessions/endSession.ts";

export const ListDevices = door({
  name: "ListDevices",
  route: "GET /api/v1/me/devices",
  summary: "One's signed-in devices, the newest first.",
  status: 200,
  access: "signed-in",
  socket: false,
  payload: z.strictObject({}),
  result: z.object({
    items: z.array(
      z.object({
        deviceId: Uuid,
        name: z.string().nullable(),
        platform: z.string(),
        signedInAt: Time,
        current: z.boolean().describe("The device that asks."),
      }),
    ),
  }),

  async run(_, { tenant, userId, deviceId }, { people }: AccountParts) {
    const devices = await people.devices(tenant, userId);
    const items = devices.map(({ signedInAt, ...device }) => ({
      ...device,
      signedInAt: signedInAt.toISOString(),
      current: device.deviceId === deviceId,
    }));
    return { body: { items } };
  },
});

export const SignOutOwnDevice = door({
  name: "SignOutOwnDevice",
  route: "DELETE /api/v1/me/devices/:deviceId",
  summary: "Signs one of one's devices out, at once.",
  status: 204,
  access: "signed-in",
  socket: false,
  payload: z.strictObject({ deviceId: Uuid }),
  result: z.null(),

  async run({ deviceId }, by, parts: AccountParts) {
    if (!(await isDeviceOf(parts.database, by.tenant, by.userId, deviceId)))
      return reject("not-found", "no such device");
    return (await endSession(parts, deviceId, by)) ?? { body: null };
  },
});
