import { z } from "zod";
import { eventType, sealedEventType } from "../event.ts";
import { Uuid } from "../ids.ts";

const ofThisPerson = { subject: (_: unknown, userId: string) => userId, bucket: "lasting" } as const;

/** `imported`: a person known from an import, without a password. */
export const UserRegistered = sealedEventType(
  "UserRegistered",
  1,
  z.object({ imported: z.boolean() }),
  z.object({ username: z.string(), displayName: z.string() }),
  ofThisPerson,
);
export const ProfileChanged = sealedEventType(
  "ProfileChanged",
  1,
  z.object({ avatar: Uuid.nullable() }),
  z.object({ displayName: z.string() }),
  ofThisPerson,
);
export const DeviceSignedIn = sealedEventType(
  "DeviceSignedIn",
  1,
  z.object({ deviceId: Uuid, platform: z.string() }),
  z.object({ name: z.string() }),
  ofThisPerson,
);
export const DeviceSignedOut = eventType("DeviceSignedOut", 1, z.object({ deviceId: Uuid }));

export const QuietHours = z.strictObject({
  from: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
  to: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/),
  timeZone: z.string().max(64),
  days: z
    .array(z.enum(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]))
    .max(7)
    .optional(),
});
export const Preferences = z.strictObject({
  quietHours: QuietHours.nullable(),
  preview: z.boolean(),
  enabled: z.boolean(),
});
export const PreferencesChanged = eventType("PreferencesChanged", 1, Preferences);
export const UserDeactivated = eventType("UserDeactivated", 1, z.object({}));
export const UserReactivated = eventType("UserReactivated", 1, z.object({}));
/** Whatever this person wrote is unreadable: said once, so that devices are told. */
export const UserErased = eventType("UserErased", 1, z.object({ erasureId: Uuid }));

export const userEvents = [
  UserRegistered,
  ProfileChanged,
  DeviceSignedIn,
  DeviceSignedOut,
  PreferencesChanged,
  UserDeactivated,
  UserReactivated,
  UserErased,
] as const;
export type UserEvent = ReturnType<(typeof userEvents)[number]>;
export type Preferences = z.infer<typeof Preferences>;
export const defaultPreferences: Preferences = { quietHours: null, preview: true, enabled: true };
