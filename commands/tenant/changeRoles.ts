import { z } from "zod";
import { tenantId, Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { RolesChanged, ServerRole } from "../../domain/tenant/events.ts";
import { adminsBut, isAdmin } from "../../domain/tenant/tenant.ts";
import { command, unchanged } from "../command.ts";
import { tenant } from "./aggregate.ts";

export const ChangeRoles = command({
  name: "ChangeRoles",
  route: "PUT /api/v1/admin/users/:userId/roles",
  summary: "Sets a person's server roles; `guest` stays as it is where it is not named.",
  status: 200,
  access: ["admin"],
  socket: false,
  on: tenant,
  payload: z.strictObject({ userId: Uuid, roles: z.array(ServerRole).max(8), guest: z.boolean().optional() }),
  /** Absent where nothing changed. */
  result: z.object({ roles: z.array(ServerRole), guest: z.boolean() }).partial(),
  id: (_, by) => tenantId(by.tenant),
  needs: ({ userId }) => ({ accounts: [userId] }),

  decide(state, { userId, roles, guest }, by) {
    if (!isAdmin(state, by.userId)) return reject("forbidden", "for administrators");
    const account = by.met.account(userId);
    if (!account || account.erased) return reject("not-found", "no such account");
    const before = state.people.get(userId) ?? { roles: [], guest: false, at: state.foundedAt };
    const after = { roles: ServerRole.options.filter((role) => roles.includes(role)), guest: guest ?? before.guest };
    if (before.roles.includes("admin") && !after.roles.includes("admin") && adminsBut(state, userId) === 0)
      return reject("conflict", "the last administrator stays one");
    if (after.guest === before.guest && after.roles.join() === before.roles.join()) return unchanged(before.at);
    return [RolesChanged({ userId, ...after })];
  },

  answer(events) {
    const changed = events.find((event) => event.type === "RolesChanged");
    return changed ? { roles: changed.data.roles, guest: changed.data.guest } : {};
  },
});
