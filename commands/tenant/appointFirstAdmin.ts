import { z } from "zod";
import { tenantId, Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { RolesChanged } from "../../domain/tenant/events.ts";
import { adminsBut } from "../../domain/tenant/tenant.ts";
import { command, unchanged } from "../command.ts";
import { tenant } from "./aggregate.ts";

/** How a tenant comes to its first administrator. It has no door: this is the operator's, and works once. */
export const AppointFirstAdmin = command({
  name: "AppointFirstAdmin",
  route: "POST /api/v1/admin/tenants/first-admin",
  summary: "Gives an organisation without administrators its first.",
  status: 200,
  access: ["admin"],
  socket: false,
  on: tenant,
  payload: z.strictObject({ userId: Uuid }),
  result: z.object({}),
  id: (_, by) => tenantId(by.tenant),

  decide(state, { userId }) {
    if (state.foundedAt < 0) return reject("not-found", "no such tenant");
    const standing = state.people.get(userId);
    if (standing?.roles.includes("admin")) return unchanged(standing.at);
    if (adminsBut(state, userId) > 0) return reject("conflict", "there is an administrator already");
    return [RolesChanged({ userId, roles: ["admin", "compliance"], guest: false })];
  },

  answer: () => ({}),
});
