import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { reject } from "../../domain/rejection.ts";
import { Preferences, PreferencesChanged } from "../../domain/user/events.ts";
import { isRegistered } from "../../domain/user/user.ts";
import { command, unchanged } from "../command.ts";
import { user } from "./aggregate.ts";

const isTimeZone = (zone: string): boolean => {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }) !== undefined;
  } catch {
    return false;
  }
};

export const SetPreferences = command({
  name: "SetPreferences",
  route: "PUT /api/v1/me/preferences",
  summary: "Says when and how one's devices are notified.",
  status: 200,
  on: user,
  payload: Preferences.refine(({ quietHours }) => quietHours === null || isTimeZone(quietHours.timeZone), {
    path: ["quietHours", "timeZone"],
    message: "not a time zone",
  }),
  result: z.object({}),
  id: (_, { userId }) => userId,

  decide(state, preferences) {
    if (!isRegistered(state)) return reject("not-found", "no such account");
    if (isDeepStrictEqual(state.preferences, preferences)) return unchanged(state.preferencesAt);
    return [PreferencesChanged(preferences)];
  },

  answer: () => ({}),
});
