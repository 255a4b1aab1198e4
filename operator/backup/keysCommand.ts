import { resolve } from "node:path";
import { reach } from "../../infra/foundation.ts";
import { createLogger } from "../../infra/main.ts";
import { openPool } from "../../infra/postgres/database.ts";
import { assertRestored } from "../../infra/restoring.ts";
import { exitCodes } from "../exitCodes.ts";
import { progressLine } from "../import/progressLine.ts";
import { print } from "../print.ts";
import { configured, type SettingFlags } from "../settings.ts";
import { restoreMissing } from "./keyFiles.ts";
import { openPart } from "./openBackup.ts";
import { wrappingKeys } from "./wrappingKeys.ts";

/** Puts key files that were lost back from a keys part; what is there is left alone. Resolves with the exit code. */
export async function restoreKeysCommand(
  path: string,
  flags: SettingFlags & { readonly json?: boolean },
): Promise<number> {
  const config = configured(flags);
  const { folder } = await openPart(resolve(path), "keys", progressLine());
  await assertRestored(config.dataFolder);
  const stops: (() => Promise<unknown>)[] = [];
  try {
    const say = (line: string) => process.stderr.write(`${line}\n`);
    const { connection } = await reach(config, createLogger("warn"), false, say, stops);
    const restored = await restoreMissing(folder, config.keysFolder, await keysInUse(connection));
    print(
      { keys: config.keysFolder, restored },
      flags.json,
      restored.length > 0 ? restored.map((file) => `${file} is back`) : ["nothing is missing"],
    );
    return exitCodes.done;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

async function keysInUse(connection: string) {
  const pool = openPool(connection, { max: 1, applicationName: "scripta keys restore" });
  const client = await pool.connect();
  try {
    return await wrappingKeys(client);
  } finally {
    client.release();
    await pool.end();
  }
}
