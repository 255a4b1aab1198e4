import type { BrokenAccess } from "../../compliance/access/accessLog.ts";
import { type AccessSeal, sealAccessLog, tenantsWithAccesses } from "../../compliance/access/sealAccessLog.ts";
import { verifyAccessLog } from "../../compliance/access/verifyAccessLog.ts";
import { exitCodes } from "../exitCodes.ts";
import { onFolder } from "../onFolder.ts";
import { print } from "../print.ts";
import type { SettingFlags } from "../settings.ts";

interface SealFlags extends SettingFlags {
  readonly json?: boolean;
}

/** Seals every tenant's access log now; a server does it by itself each hour. */
export const sealAccessCommand = (flags: SealFlags): Promise<number> =>
  onFolder(flags, async ({ database, engine }) => {
    const sealed: AccessSeal[] = [];
    for (const tenant of await tenantsWithAccesses(database)) {
      const seal = await sealAccessLog({ database, engine }, tenant);
      if (seal) sealed.push(seal);
    }
    const lines = sealed.map(({ tenant, entries, head }) => `${tenant}: sealed up to entry ${entries}, head ${head}`);
    print(
      sealed.map(({ tenant, entries, head }) => ({ tenant, entries, head })),
      flags.json,
      lines.length > 0 ? lines : ["nobody looked at anything yet"],
    );
    return exitCodes.done;
  });

/** Whether every access log is what was written. Exit code 1 where an entry was altered, put in or taken out. */
export const verifyAccessCommand = (flags: SealFlags): Promise<number> =>
  onFolder(flags, async ({ database, log }) => {
    const broken: BrokenAccess[] = [];
    const checked = await verifyAccessLog({ database, log }, (one) => broken.push(one));
    const { entries, seals } = checked;
    print({ ok: broken.length === 0, ...checked, broken }, flags.json, [
      ...broken.map(({ tenant, entry, found }) => `${tenant}, entry ${entry}: ${found}`),
      `${entries} entries, ${seals} seals in the log: ${broken.length === 0 ? "as they were written" : "tampered with"}`,
    ]);
    return broken.length === 0 ? exitCodes.done : exitCodes.failed;
  });
