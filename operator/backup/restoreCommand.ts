import { join, resolve } from "node:path";
import type { Config } from "../../infra/config.ts";
import { RememberedPosition } from "../../infra/eventLog/remembered.ts";
import { openFoundation, reach } from "../../infra/foundation.ts";
import { createLogger } from "../../infra/main.ts";
import { beginRestoring, endRestoring } from "../../infra/restoring.ts";
import { exitCodes } from "../exitCodes.ts";
import { type ProgressLine, progressLine } from "../import/progressLine.ts";
import { print } from "../print.ts";
import { configured, type SettingFlags } from "../settings.ts";
import { assertEmptyFolder, empty } from "./emptyPlace.ts";
import { interruptible } from "./interruptible.ts";
import { assertTheyBelong } from "./joined.ts";
import { restoreKeyFiles } from "./keyFiles.ts";
import { type OpenPart, openPart } from "./openBackup.ts";
import { type Restored, restore } from "./restore.ts";

interface RestoreFlags extends SettingFlags {
  readonly keys?: string;
  readonly json?: boolean;
}

interface Source {
  readonly log: OpenPart;
  readonly keys: OpenPart;
}

/** Joins a log part and the newest keys part in an empty place. Resolves with the exit code. */
export async function restoreCommand(path: string, flags: RestoreFlags): Promise<number> {
  const config = configured(flags);
  const from = resolve(path);
  const progress = progressLine();
  await assertEmptyPlace(config);
  return interruptible("stopped before its end: nothing of it was kept", async (signal) => {
    const log = await openPart(from, "log", progress);
    const keys = await openPart(flags.keys === undefined ? from : resolve(flags.keys), "keys", progress);
    assertTheyBelong({ log: log.manifest, keys: keys.manifest });
    const restored = await place(config, { log, keys }, progress, signal);
    await foldReadModels(config, restored.head, progress, signal);
    const facts = { data: config.dataFolder, ...restored, log: log.manifest.takenAt, keys: keys.manifest.takenAt };
    print(facts, flags.json, linesOf(restored, { log, keys }, config));
    return exitCodes.done;
  });
}

async function assertEmptyPlace({ dataFolder, keysFolder }: Config): Promise<void> {
  await assertEmptyFolder(dataFolder);
  if (!keysFolder.startsWith(`${dataFolder}/`)) await assertEmptyFolder(keysFolder);
}

/** All of it or nothing: what fails, or is stopped, leaves the place as empty as it was. */
async function place(config: Config, source: Source, progress: ProgressLine, signal: AbortSignal): Promise<Restored> {
  const { dataFolder, keysFolder } = config;
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const end of stops.reverse().splice(0)) await end();
  };
  await beginRestoring(dataFolder);
  try {
    const say = (line: string) => process.stderr.write(`${line}\n`);
    const { connection } = await reach(config, createLogger("warn"), true, say, stops);
    await restoreKeyFiles(source.keys.folder, keysFolder);
    const restored = await restore({ connection, keysFolder, ...source, progress, signal });
    const seen = new RememberedPosition(join(dataFolder, "log-seen.json"), () => undefined);
    seen.saw(restored.epoch, restored.head);
    await seen.close();
    await stop();
    await endRestoring(dataFolder);
    return restored;
  } catch (error) {
    await stop();
    await empty(keysFolder);
    await empty(dataFolder);
    throw error;
  }
}

const LOOK_EVERY_MS = 500;

/** As a server does when it starts; stopped here, it goes on there. */
async function foldReadModels(
  config: Config,
  head: number,
  progress: ProgressLine,
  signal: AbortSignal,
): Promise<void> {
  const foundation = await openFoundation({ config, logger: createLogger("warn"), alone: true });
  try {
    progress.begin("folding the read models", head);
    for (let told = 0, done = false; !done; ) {
      signal.throwIfAborted();
      done = await foundation.projector.waitFor(head, LOOK_EVERY_MS);
      const position = Math.min(head, foundation.projector.checkpoint());
      progress.step(position - told);
      told = position;
    }
  } finally {
    progress.end();
    await foundation.stop();
  }
}

function linesOf({ head, epoch, erasedSince }: Restored, { log, keys }: Source, { dataFolder }: Config): string[] {
  return [
    `${dataFolder} holds the log of ${log.manifest.takenAt}, up to position ${head}, with the keys of ${keys.manifest.takenAt}.`,
    ...(erasedSince > 0 ? [`${erasedSince} people who were erased since the log was saved stay erased.`] : []),
    `It goes on in epoch ${epoch}: devices get a snapshot, and send again what was acknowledged in the last ten minutes.`,
    "Start it with scripta start, and make a new backup.",
  ];
}
