import { z } from "zod";
import { ChangeRoles, DeactivateUser, Placement, ReactivateUser } from "../../commands/index.ts";
import { Uuid } from "../../domain/ids.ts";
import { isRejection } from "../../domain/rejection.ts";
import { ServerRole } from "../../domain/tenant/events.ts";
import { door } from "../../infra/ports/door.ts";
import { setDeactivated, setRoles } from "../accountRows.ts";
import type { AccountParts } from "../parts.ts";
import { sendCommand } from "../sendCommand.ts";
import { revokeDevices } from "../sessions/deviceRows.ts";

/** Once it answered, it holds for every door of this process; for others within a second. */
export const SetRoles = door({
  name: "SetRoles",
  route: ChangeRoles.route,
  summary: ChangeRoles.summary,
  status: 200,
  access: ["admin"],
  socket: false,
  payload: z.strictObject({ userId: Uuid, roles: z.array(ServerRole).max(8), guest: z.boolean().optional() }),
  result: Placement,

  async run(payload, by, { engine, database, sessions, administrators }: AccountParts) {
    const { tenant } = by;
    const { userId } = payload;
    const losing = payload.roles.includes("admin") ? undefined : userId;
    return administrators.change(by, losing, async () => {
      const changed = await ChangeRoles.door.run(payload, by, engine);
      if (isRejection(changed)) return changed;
      const { position, revision, roles, guest } = ChangeRoles.result.extend(Placement.shape).parse(changed.body);
      if (roles && guest !== undefined) await setRoles(database, { tenant, userId, roles, guest, position });
      sessions.changed({ tenant, userId });
      return { body: { position, revision } };
    });
  },
});

export const Deactivate = door({
  name: "Deactivate",
  route: DeactivateUser.route,
  summary: DeactivateUser.summary,
  status: 200,
  access: ["admin"],
  socket: false,
  payload: z.strictObject({ userId: Uuid }),
  result: Placement,

  async run({ userId }, by, { engine, database, sessions, administrators }: AccountParts) {
    const { tenant } = by;
    return administrators.change(by, userId, async () => {
      const placed = await sendCommand(DeactivateUser, { userId }, by, engine);
      if (isRejection(placed)) return placed;
      await setDeactivated(database, { tenant, userId, deactivated: true, position: placed.position });
      await revokeDevices(database, tenant, { userId }, by.now);
      sessions.revoked({ tenant, userId });
      return { body: placed };
    });
  },
});

export const Reactivate = door({
  name: "Reactivate",
  route: ReactivateUser.route,
  summary: ReactivateUser.summary,
  status: 200,
  access: ["admin"],
  socket: false,
  payload: z.strictObject({ userId: Uuid }),
  result: Placement,

  async run({ userId }, by, { engine, database, sessions }: AccountParts) {
    const { tenant } = by;
    const placed = await sendCommand(ReactivateUser, { userId }, by, engine);
    if (isRejection(placed)) return placed;
    await setDeactivated(database, { tenant, userId, deactivated: false, position: placed.position });
    sessions.changed({ tenant, userId });
    return { body: placed };
  },
});
