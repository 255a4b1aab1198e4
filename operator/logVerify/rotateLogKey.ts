import { originOf } from "../../compliance/tlog/origin.ts";
import { exitCodes } from "../exitCodes.ts";
import { onFolder } from "../onFolder.ts";
import { print } from "../print.ts";
import type { SettingFlags } from "../settings.ts";

/** A new key signs the verifiable log from now on, beside the one before it. */
export async function rotateLogKeyCommand(flags: SettingFlags & { readonly json?: boolean }): Promise<number> {
  return onFolder(flags, async ({ signer, log, config }) => {
    await signer.rotate();
    const keys = await signer.verifierKeys(originOf(config.origin, await log.epoch()));
    const [newest = "", before] = keys;
    print({ keys }, flags.json, [
      `signs from now on: ${newest}`,
      ...(before ? [`and, until the next change: ${before}`] : []),
    ]);
    return exitCodes.done;
  });
}
