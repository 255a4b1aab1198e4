import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { ProfileChanged } from "../../domain/user/events.ts";
import { DisplayName, SealedName } from "../../domain/user/profile.ts";
import { isRegistered } from "../../domain/user/user.ts";
import { command, unchanged } from "../command.ts";
import { user } from "./aggregate.ts";

export const UpdateProfile = command({
  name: "UpdateProfile",
  route: "PATCH /api/v1/me",
  summary: "Changes one's display name or picture.",
  status: 200,
  on: user,
  payload: z.strictObject({ displayName: DisplayName.optional(), avatar: Uuid.nullable().optional() }),
  result: z.object({}),
  id: (_, { userId }) => userId,
  needs: (_payload, _by, { profileAt }) => ({ opened: [profileAt] }),

  decide(state, { displayName, avatar = state.avatar }, { met }) {
    if (!isRegistered(state)) return reject("not-found", "no such account");
    if (avatar !== null && avatar !== state.avatar)
      return reject("not-found", "no such picture among one's own uploads");
    const present = SealedName.safeParse(met.opened(state.profileAt));
    if (!present.success) return reject("erased", "the account was erased");
    const name = displayName ?? present.data.displayName;
    if (name === present.data.displayName && avatar === state.avatar) return unchanged(state.profileAt);
    return [ProfileChanged({ avatar }, { displayName: name })];
  },

  answer: () => ({}),
});
