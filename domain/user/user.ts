import { z } from "zod";
import type { Placed } from "../event.ts";
import { defaultPreferences, Preferences, type UserEvent } from "./events.ts";

/** A person's account as deciding needs it. Each `…At` is the revision of the event that made it so. */
export const User = z.object({
  registeredAt: z.int(),
  avatar: z.string().nullable(),
  /** Of the event that holds the present name. */
  profileAt: z.int(),
  preferences: Preferences.readonly(),
  preferencesAt: z.int(),
  /** Signed-in devices, with the revision at which each came. */
  devices: z.map(z.string(), z.int()),
  deactivated: z.boolean(),
  deactivatedAt: z.int(),
  erasedAt: z.int(),
});
export type User = z.infer<typeof User>;

export const newUser = (): User => ({
  registeredAt: -1,
  avatar: null,
  profileAt: -1,
  preferences: defaultPreferences,
  preferencesAt: -1,
  devices: new Map(),
  deactivated: false,
  deactivatedAt: -1,
  erasedAt: -1,
});

export const isRegistered = (user: User): boolean => user.registeredAt >= 0;

/** Changes the user in place: its mailbox owns it alone. */
export function evolve(user: User, event: Placed<UserEvent>): void {
  const { revision } = event;
  switch (event.type) {
    case "UserRegistered":
      user.registeredAt = revision;
      user.profileAt = revision;
      user.preferencesAt = revision;
      user.deactivatedAt = revision;
      break;
    case "ProfileChanged":
      user.avatar = event.data.avatar;
      user.profileAt = revision;
      break;
    case "DeviceSignedIn":
      user.devices.set(event.data.deviceId, revision);
      break;
    case "DeviceSignedOut":
      user.devices.delete(event.data.deviceId);
      break;
    case "PreferencesChanged":
      user.preferences = event.data;
      user.preferencesAt = revision;
      break;
    case "UserDeactivated":
    case "UserReactivated":
      user.deactivated = event.type === "UserDeactivated";
      user.deactivatedAt = revision;
      break;
    case "UserErased":
      user.erasedAt = revision;
      break;
    default:
      event satisfies never;
  }
}
