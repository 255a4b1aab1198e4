import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { UserReactivated } from "../../domain/user/events.ts";
import { isRegistered } from "../../domain/user/user.ts";
import { command, unchanged } from "../command.ts";
import { user } from "./aggregate.ts";

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

  decide(state, _, { roles }) {
    if (!roles.includes("admin")) return reject("forbidden", "for administrators");
    if (!isRegistered(state)) return reject("not-found", "no such account");
    if (!state.deactivated) return unchanged(state.deactivatedAt);
    return [UserReactivated({})];
  },

  answer: () => ({}),
});
