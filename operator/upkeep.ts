import { changeWeekKeys } from "../sealing/weeklyKeyChange.ts";
import { exitCodes } from "./exitCodes.ts";
import { onFolder } from "./onFolder.ts";
import { print } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

interface JsonFlag extends SettingFlags {
  readonly json?: boolean;
}

/** Changes the week keys now, as the server does by itself each week. */
export const rotateKeysCommand = (flags: JsonFlag): Promise<number> =>
  onFolder(flags, async ({ keys }) => {
    const changes = await changeWeekKeys(keys, { renewAfterMs: 0 });
    const lines = changes.map(
      ({ tenant, rewrapped, destroyed }) =>
        `${tenant}: a new week key, ${rewrapped} secrets wrapped anew, ${destroyed.length} old keys destroyed`,
    );
    print(changes, flags.json, lines);
    return exitCodes.done;
  });

/** Accepts a log that lies behind what was seen of it. Alone: whoever serves it must begin anew. */
export const raiseEpochCommand = (flags: JsonFlag): Promise<number> =>
  onFolder(
    flags,
    async ({ log }) => {
      const [epoch, { position: head }] = await Promise.all([log.epoch(), log.head()]);
      print({ epoch, head }, flags.json, [
        `The log goes on at position ${head} in epoch ${epoch}. Every device gets a fresh snapshot, read models are rebuilt.`,
      ]);
      return exitCodes.done;
    },
    { alone: true, raiseEpoch: true },
  );
