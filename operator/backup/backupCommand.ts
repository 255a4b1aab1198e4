import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Config } from "../../infra/config.ts";
import { reach } from "../../infra/foundation.ts";
import { createLogger } from "../../infra/main.ts";
import { assertRestored } from "../../infra/restoring.ts";
import { CommandFailed } from "../commandFailed.ts";
import { exitCodes } from "../exitCodes.ts";
import { progressLine } from "../import/progressLine.ts";
import { print } from "../print.ts";
import { configured, type SettingFlags } from "../settings.ts";
import { backUp } from "./backUp.ts";
import { interruptible } from "./interruptible.ts";
import type { Manifest } from "./manifest.ts";
import { type Part, parts } from "./tables.ts";

interface BackupFlags extends SettingFlags {
  readonly only?: string;
  readonly json?: boolean;
}

/** Backs up beside the running service, or a stopped one's folder. Resolves with the exit code. */
export async function backupCommand(path: string, flags: BackupFlags): Promise<number> {
  const config = configured(flags);
  const folder = resolve(path);
  const wanted = partsOf(flags.only);
  await assertRestored(config.dataFolder);
  await assertSomethingThere(config);
  return interruptible("stopped before its end: nothing of it was kept", async (signal) => {
    const stops: (() => Promise<unknown>)[] = [];
    try {
      const say = (line: string) => process.stderr.write(`${line}\n`);
      const { connection, lock, databaseUrlFile } = await reach(config, createLogger("warn"), false, say, stops);
      // Other commands may come beside this one.
      await lock?.announce({ address: null, databaseUrlFile });
      const { keysFolder } = config;
      const manifests = await backUp({
        connection,
        keysFolder,
        folder,
        parts: wanted,
        progress: progressLine(),
        signal,
      });
      print({ folder, parts: manifests }, flags.json, [...manifests.flatMap((one) => linesOf(one, folder))]);
      return exitCodes.done;
    } finally {
      for (const stop of stops.reverse()) await stop();
    }
  });
}

function partsOf(only: string | undefined): readonly Part[] {
  const wanted = parts.filter((part) => only === undefined || only === part);
  if (wanted.length === 0) throw new CommandFailed(`--only is ${parts.join(" or ")}`);
  return wanted;
}

/** A database that is only made by looking into it is none to keep. */
async function assertSomethingThere({ dataFolder, postgres }: Config): Promise<void> {
  const found = postgres ?? (await stat(join(dataFolder, "postgres")).catch(() => undefined));
  if (!found) throw new CommandFailed(`there is nothing in ${dataFolder}: name the data folder with --data`);
}

function linesOf({ part, tables, files, head, epoch, takenAt, uselessFrom }: Manifest, folder: string): string[] {
  const bytes = [...tables, ...files].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const size = `${rows.toLocaleString("en")} rows, ${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  const where = `${join(folder, part)}  ${size}, of ${takenAt}`;
  if (part === "log")
    return [`log   ${where}`, `      up to position ${head.position} of epoch ${epoch}; keep it for years`];
  return [
    `keys  ${where}`,
    "      keep this newest one alone, and elsewhere than the log: while an older one exists, it opens what was erased since",
    `      without its week-keys.json it opens nothing from ${uselessFrom} on`,
  ];
}
