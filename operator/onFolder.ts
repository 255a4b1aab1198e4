import { existsSync } from "node:fs";
import { type Foundation, openFoundation } from "../infra/foundation.ts";
import { createLogger } from "../infra/main.ts";
import { CommandFailed } from "./commandFailed.ts";
import { configured, type SettingFlags } from "./settings.ts";

/**
 * Runs an operator's work on a data folder: beside the service that runs there, else with a database of its own.
 * Where nothing lies yet it refuses, unless its work founds what is not there: a mistaken folder is not found in order.
 * An organisation that is named must be there.
 * @throws CommandFailed, ConfigurationFault, FolderBusy, LogBehind
 */
export async function onFolder<T>(
  flags: SettingFlags & { readonly tenant?: string },
  work: (foundation: Foundation) => Promise<T>,
  {
    founds = false,
    ...how
  }: {
    readonly founds?: boolean;
    readonly alone?: boolean;
    readonly raiseEpoch?: boolean;
    readonly renew?: boolean;
  } = {},
): Promise<T> {
  const config = configured(flags);
  if (!founds && config.postgres === undefined && !existsSync(config.dataFolder))
    throw new CommandFailed(`${config.dataFolder} is not there yet: scripta start makes it, and --data names another`);
  const logger = createLogger(process.env.SCRIPTA_LOG_LEVEL ? config.logLevel : "warn");
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const foundation = await openFoundation({ config, logger, alone: false, say, ...how });
  try {
    // Other commands may come beside this one.
    const { lock, databaseUrlFile } = foundation;
    await lock?.announce({ address: null, databaseUrlFile });
    const { tenant } = flags;
    if (!founds && tenant !== undefined && !(await foundation.accounts.parts.tenants.exists(tenant)))
      throw new CommandFailed(`there is no organisation ${JSON.stringify(tenant)}`);
    return await work(foundation);
  } finally {
    await foundation.stop();
  }
}
