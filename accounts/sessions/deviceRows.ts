import { ServerRole } from "../../domain/tenant/events.ts";
import type { Database, Queryable } from "../../infra/ports/database.ts";

/** Who a device acts for, while it may act at all. */
export interface DeviceStanding {
  readonly userId: string;
  readonly roles: readonly ServerRole[];
  readonly guest: boolean;
  readonly generation: number;
  /** A token of the present generation was used. */
  readonly pairUsed: boolean;
}

interface DeviceCredentials {
  readonly userId: string;
  readonly seed: Uint8Array;
  readonly generation: number;
  readonly rotatedAt: Date;
  readonly pairUsed: boolean;
  /** Neither signed out nor the account of the person shut or erased. */
  readonly active: boolean;
}

export async function addDevice(
  database: Database,
  device: { tenant: string; deviceId: string; userId: string; seed: Uint8Array; now: Date },
): Promise<void> {
  await database.query(
    `insert into accounts.devices (tenant, device_id, user_id, refresh_seed, generation, rotated_at)
     values ($1, $2, $3, $4, 0, $5)`,
    [device.tenant, device.deviceId, device.userId, device.seed, device.now],
  );
}

export async function standingOf(
  database: Queryable,
  tenant: string,
  deviceId: string,
): Promise<DeviceStanding | undefined> {
  const { rows } = await database.query<{
    user_id: string;
    roles: string[];
    guest: boolean;
    generation: number;
    pair_used: boolean;
  }>(
    `select d.user_id, a.roles, a.guest, d.generation, d.pair_used_at is not null as pair_used
       from accounts.devices d join accounts.accounts a using (tenant, user_id)
      where d.tenant = $1 and d.device_id = $2 and d.revoked_at is null
        and not a.deactivated and a.erased_at is null and a.registered_at is not null`,
    [tenant, deviceId],
    "accounts.standing",
  );
  const [row] = rows;
  if (!row) return undefined;
  return {
    userId: row.user_id,
    // A role that a newer version gave means nothing here yet.
    roles: ServerRole.options.filter((role) => row.roles.includes(role)),
    guest: row.guest,
    generation: row.generation,
    pairUsed: row.pair_used,
  };
}

/** The device's credentials, locked until the transaction ends. */
export async function lockCredentials(
  tx: Queryable,
  tenant: string,
  deviceId: string,
): Promise<DeviceCredentials | undefined> {
  const { rows } = await tx.query<{
    user_id: string;
    refresh_seed: Uint8Array;
    generation: number;
    rotated_at: Date;
    pair_used: boolean;
    active: boolean;
  }>(
    `select d.user_id, d.refresh_seed, d.generation, d.rotated_at, d.pair_used_at is not null as pair_used,
            d.revoked_at is null and not a.deactivated and a.erased_at is null as active
       from accounts.devices d join accounts.accounts a using (tenant, user_id)
      where d.tenant = $1 and d.device_id = $2 for update of d`,
    [tenant, deviceId],
  );
  const [row] = rows;
  if (!row) return undefined;
  return {
    userId: row.user_id,
    seed: row.refresh_seed,
    generation: row.generation,
    rotatedAt: row.rotated_at,
    pairUsed: row.pair_used,
    active: row.active,
  };
}

export async function rotate(
  tx: Queryable,
  device: { tenant: string; deviceId: string; generation: number; now: Date },
): Promise<void> {
  await tx.query(
    `update accounts.devices set generation = $3, rotated_at = $4, pair_used_at = null
      where tenant = $1 and device_id = $2`,
    [device.tenant, device.deviceId, device.generation, device.now],
  );
}

export async function markPairUsed(
  database: Queryable,
  device: { tenant: string; deviceId: string; generation: number; now: Date },
): Promise<void> {
  await database.query(
    `update accounts.devices set pair_used_at = $4
      where tenant = $1 and device_id = $2 and generation = $3 and pair_used_at is null`,
    [device.tenant, device.deviceId, device.generation, device.now],
  );
}

/** Gives those that were active till now. */
export async function revokeDevices(
  database: Queryable,
  tenant: string,
  which: { deviceIds: readonly string[] } | { userId: string },
  now: Date,
): Promise<string[]> {
  const [column, value] = "userId" in which ? ["user_id", [which.userId]] : ["device_id", which.deviceIds];
  const { rows } = await database.query<{ device_id: string }>(
    `update accounts.devices set revoked_at = $3
      where tenant = $1 and ${column} = any($2::uuid[]) and revoked_at is null returning device_id`,
    [tenant, value, now],
  );
  return rows.map(({ device_id }) => device_id);
}

export async function activeDevices(database: Queryable, tenant: string, userId: string): Promise<string[]> {
  const { rows } = await database.query<{ device_id: string }>(
    "select device_id from accounts.devices where tenant = $1 and user_id = $2 and revoked_at is null order by 1",
    [tenant, userId],
  );
  return rows.map(({ device_id }) => device_id);
}

/** Whether the device is, or ever was, this person's. */
export async function isDeviceOf(
  database: Queryable,
  tenant: string,
  userId: string,
  deviceId: string,
): Promise<boolean> {
  const { rowCount } = await database.query(
    "select from accounts.devices where tenant = $1 and device_id = $2 and user_id = $3",
    [tenant, deviceId, userId],
  );
  return rowCount > 0;
}
