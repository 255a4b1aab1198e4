import { type Foundation, openFoundation } from "../infra/foundation.ts";
import { createLogger } from "../infra/main.ts";
import { configured, type SettingFlags } from "./settings.ts";

/**
 * Runs an operator's work on a data folder: beside the service that runs there, else with a database of its own.
 * @throws ConfigurationFault, FolderBusy, LogBehind
 */
export async function onFolder<T>(
  flags: SettingFlags,
  work: (foundation: Foundation) => Promise<T>,
  how: { readonly alone?: boolean; readonly raiseEpoch?: boolean; readonly renew?: boolean } = {},
): Promise<T> {
  const config = configured(flags);
  const logger = createLogger(process.env.SCRIPTA_LOG_LEVEL ? config.logLevel : "warn");
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const foundation = await openFoundation({ config, logger, alone: false, say, ...how });
  try {
    // Other commands may come beside this one.
    const { lock, databaseUrlFile } = foundation;
    await lock?.announce({ address: null, databaseUrlFile });
    return await work(foundation);
  } finally {
    await foundation.stop();
  }
}
