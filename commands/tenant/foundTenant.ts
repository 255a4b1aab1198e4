import { z } from "zod";
import { tenantId } from "../../domain/ids.ts";
import { TenantFounded } from "../../domain/tenant/events.ts";
import { command, unchanged } from "../command.ts";
import { tenant } from "./aggregate.ts";

/** The tenant's first event. It has no door: founding is the operator's. */
export const FoundTenant = command({
  name: "FoundTenant",
  route: "POST /api/v1/admin/tenants",
  summary: "Founds an organisation.",
  status: 201,
  access: ["admin"],
  socket: false,
  on: tenant,
  payload: z.strictObject({ tagKeyHash: z.hex().length(64) }),
  result: z.object({}),
  id: (_, by) => tenantId(by.tenant),

  decide({ foundedAt }, { tagKeyHash }, by) {
    if (foundedAt >= 0) return unchanged(foundedAt);
    return [TenantFounded({ name: by.tenant, tagKeyHash })];
  },

  answer: () => ({}),
});
