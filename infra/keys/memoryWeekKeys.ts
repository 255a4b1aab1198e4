import { randomBytes, randomUUID } from "node:crypto";
import type { Clock } from "../ports/clock.ts";
import { KeysUnavailable, type WeekKeys } from "../ports/secrets.ts";

/** Week keys that live as long as the process, for tests. */
export function memoryWeekKeys(clock: Clock): WeekKeys {
  const keys: { tenant: string; id: string; madeAt: number; key: Uint8Array }[] = [];
  const rotate = (tenant: string) => {
    const made = { tenant, id: randomUUID(), madeAt: clock.now(), key: Uint8Array.from(randomBytes(32)) };
    keys.push(made);
    return made;
  };
  return {
    current: async (tenant) => keys.findLast((one) => one.tenant === tenant) ?? rotate(tenant),
    async get(tenant, id) {
      const found = keys.find((one) => one.tenant === tenant && one.id === id);
      if (!found) throw new KeysUnavailable(`the week key ${id} of ${tenant} is missing`);
      return found.key;
    },
    rotate: async (tenant) => rotate(tenant),
    async destroy(tenant, id) {
      const at = keys.findIndex((one) => one.tenant === tenant && one.id === id);
      if (at >= 0) keys.splice(at, 1);
    },
    list: async (tenant) => keys.filter((one) => one.tenant === tenant).map(({ id, madeAt }) => ({ id, madeAt })),
  };
}
