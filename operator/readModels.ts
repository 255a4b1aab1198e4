import type { Foundation } from "../infra/foundation.ts";
import type { EventLog } from "../infra/ports/eventLog.ts";
import { projections } from "../projections/all.ts";
import { checkpoints, isCurrent, nextOf } from "../projections/generations.ts";
import type { Parked } from "../projections/parking.ts";
import { CommandFailed } from "./commandFailed.ts";
import { exitCodes } from "./exitCodes.ts";
import { onFolder } from "./onFolder.ts";
import { print, table } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

interface JsonFlag extends SettingFlags {
  readonly json?: boolean;
}

/** How far one read model has come. */
interface ReadModel {
  readonly name: string;
  /** That of the fold that made its rows. */
  readonly version: number;
  readonly position: number;
  /** Events of the log that it does not hold, at most: positions. */
  readonly behind: number;
  /** How long the first of them has been waiting. */
  readonly behindMs: number;
  /** Made by another version than this program's, or in another history of the log. */
  readonly stale: boolean;
  /** A second generation that is being built, or was left unfinished. */
  readonly rebuild: { readonly phase: string; readonly version: number; readonly position: number } | null;
  readonly parked: number;
}

export interface ReadModels {
  readonly head: number;
  readonly models: readonly ReadModel[];
  readonly parked: readonly Parked[];
}

export async function readModels({ database, log, projector, engine }: Foundation): Promise<ReadModels> {
  const [{ position: head }, epoch, generations, parked] = await Promise.all([
    log.head(),
    log.epoch(),
    checkpoints(database),
    projector.parked(),
  ]);
  const models: ReadModel[] = [];
  for (const projection of projections) {
    const { name } = projection;
    const live = generations.find(({ schema }) => schema === name);
    if (!live) continue;
    const { version, position } = live;
    const next = generations.find(({ schema }) => schema === nextOf(name));
    models.push({
      name,
      version,
      position,
      behind: Math.max(0, head - position),
      behindMs: await waitingMs(log, position, engine.clock.now()),
      stale: !isCurrent(live, projection, epoch),
      rebuild: next ? { phase: next.phase, version: next.version, position: next.position } : null,
      parked: parked.filter(({ schema }) => schema === name).length,
    });
  }
  return { head, models, parked };
}

async function waitingMs(log: EventLog, after: number, now: number): Promise<number> {
  for await (const { recordedAt } of log.readAll(after)) return Math.max(0, now - recordedAt);
  return 0;
}

export const readModelLines = ({ head, models, parked }: ReadModels): string[] => [
  ...table([
    ["read model", "version", "position", "behind", "for", "parked", "rebuild"],
    ...models.map(({ name, version, position, behind, behindMs, stale, rebuild, parked: streams }) => [
      name,
      `${version}${stale ? " (stale)" : ""}`,
      String(position),
      String(behind),
      behind === 0 ? "" : `${(behindMs / 1_000).toFixed(1)} s`,
      String(streams),
      rebuild ? `${rebuild.phase}, to version ${rebuild.version}, at ${rebuild.position} of ${head}` : "",
    ]),
  ]),
  ...parked.map(({ schema, stream, position, error }) => `parked in ${schema}: ${stream} from ${position} (${error})`),
];

export const listReadModelsCommand = (flags: JsonFlag): Promise<number> =>
  onFolder(
    flags,
    async (foundation) => {
      const found = await readModels(foundation);
      print(found, flags.json, readModelLines(found));
      return exitCodes.done;
    },
    { renew: false },
  );

/** Applies what waited since a stream was parked in a read model. */
export const unparkCommand = (model: string, stream: string, flags: JsonFlag): Promise<number> =>
  onFolder(flags, async ({ projector }) => {
    const parked = await projector.parked();
    if (!parked.some((one) => one.schema === model && one.stream === stream))
      throw new CommandFailed(`${stream} is not parked in ${model}; see scripta projections`);
    try {
      await projector.unpark(model, stream);
    } catch (error) {
      throw new CommandFailed(`${stream} stays parked: ${error instanceof Error ? error.message : String(error)}`);
    }
    print({ model, stream, unparked: true }, flags.json, [`${stream} goes on in ${model}`]);
    return exitCodes.done;
  });
