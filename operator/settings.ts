import type { Command } from "commander";
import { type Config, readConfig } from "../infra/config.ts";

/** Flags that stand over the variable of the same meaning. */
export interface SettingFlags {
  readonly data?: string;
  readonly host?: string;
  readonly port?: string;
}

export const withDataFlag = (command: Command): Command =>
  command.option("--data <folder>", "where everything lies that Scripta writes (SCRIPTA_DATA, else ./data)");

/** @throws ConfigurationFault */
export function configured(flags: SettingFlags, environment: NodeJS.ProcessEnv = process.env): Config {
  return readConfig({
    ...environment,
    ...(flags.data === undefined ? {} : { SCRIPTA_DATA: flags.data }),
    ...(flags.host === undefined ? {} : { SCRIPTA_HOST: flags.host }),
    ...(flags.port === undefined ? {} : { SCRIPTA_PORT: flags.port }),
  });
}
