import type { Foundation } from "../infra/foundation.ts";
import type { Parked } from "../projections/parking.ts";
import { CommandFailed } from "./commandFailed.ts";
import { exitCodes } from "./exitCodes.ts";
import { onFolder } from "./onFolder.ts";
import { print, table } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

interface JsonFlag extends SettingFlags {
  readonly json?: boolean;
}

/** How far each read model has come. */
export interface ReadModels {
  readonly head: number;
  readonly models: readonly { readonly name: string; readonly position: number; readonly behind: number }[];
  readonly parked: readonly Parked[];
}

export async function readModels({ database, log, projector }: Foundation): Promise<ReadModels> {
  const { position: head } = await log.head();
  const { rows } = await database.query<{ name: string; position: number }>(
    "select schema as name, position from ops.checkpoints order by schema",
  );
  const models = rows.map(({ name, position }) => ({ name, position, behind: Math.max(0, head - position) }));
  return { head, models, parked: await projector.parked() };
}

export const readModelLines = ({ models, parked }: ReadModels): string[] => [
  ...table([
    ["read model", "position", "behind"],
    ...models.map(({ name, position, behind }) => [name, String(position), String(behind)]),
  ]),
  ...parked.map(({ schema, stream, position, error }) => `parked in ${schema}: ${stream} from ${position} (${error})`),
];

export const listReadModelsCommand = (flags: JsonFlag): Promise<number> =>
  onFolder(flags, async (foundation) => {
    const found = await readModels(foundation);
    print(found, flags.json, readModelLines(found));
    return exitCodes.done;
  });

/** Applies what waited since a stream was parked in a read model. */
export const unparkCommand = (model: string, stream: string, flags: JsonFlag): Promise<number> =>
  onFolder(flags, async ({ projector }) => {
    const parked = await projector.parked();
    if (!parked.some((one) => one.schema === model && one.stream === stream))
      throw new CommandFailed(`${stream} is not parked in ${model}; see scripta projections list`);
    try {
      await projector.unpark(model, stream);
    } catch (error) {
      throw new CommandFailed(`${stream} stays parked: ${error instanceof Error ? error.message : String(error)}`);
    }
    print({ model, stream, unparked: true }, flags.json, [`${stream} goes on in ${model}`]);
    return exitCodes.done;
  });
