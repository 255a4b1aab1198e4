import { constants, setPriority } from "node:os";
import { projections } from "../projections/all.ts";
import { dropGeneration, nextOf } from "../projections/generations.ts";
import type { Difference } from "../projections/rebuild/compare.ts";
import { type Progress, type Rebuilt, rebuild } from "../projections/rebuild/rebuild.ts";
import { CommandFailed } from "./commandFailed.ts";
import { exitCodes } from "./exitCodes.ts";
import { progressLine } from "./import/progressLine.ts";
import { onFolder } from "./onFolder.ts";
import { print, table } from "./print.ts";
import type { SettingFlags } from "./settings.ts";

export interface RebuildFlags extends SettingFlags {
  readonly json?: boolean;
  readonly all?: boolean;
  readonly verifyOnly?: boolean;
  readonly replace?: boolean;
  readonly giveUp?: boolean;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Rebuilds read models from the log, beside a running service or in a folder where none runs. */
export async function rebuildCommand(models: readonly string[], flags: RebuildFlags): Promise<number> {
  const chosen = choose(models, flags);
  // Whoever writes meanwhile comes first.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    return await onFolder(
      flags,
      async ({ database, log }) => {
        if (flags.giveUp) {
          const dropped: string[] = [];
          for (const { name } of chosen) if (await dropGeneration(database, nextOf(name))) dropped.push(name);
          print({ givenUp: dropped }, flags.json, [
            dropped.length > 0 ? `given up: ${dropped.join(", ")}` : "there was no rebuild to give up",
          ]);
          return exitCodes.done;
        }
        const bar = rebuildProgress();
        const beganAt = performance.now();
        try {
          const rebuilt = await rebuild({ database, log }, chosen, {
            verifyOnly: flags.verifyOnly ?? false,
            replace: flags.replace ?? false,
            signal: stopping.signal,
            onProgress: bar.show,
          });
          bar.end();
          const seconds = (performance.now() - beganAt) / 1_000;
          const fine = rebuilt.every(({ outcome }) => outcome !== "differs" && outcome !== "stale");
          print({ ok: fine, seconds, models: rebuilt }, flags.json, rebuilt.flatMap(linesOf));
          return fine ? exitCodes.done : exitCodes.failed;
        } finally {
          bar.end();
        }
      },
      { renew: false },
    );
  } catch (error) {
    if (!(error instanceof Error && error.name === "RebuildStopped")) throw error;
    const again = `scripta rebuild ${flags.all ? "--all" : models.join(" ")}${flags.data ? ` --data ${flags.data}` : ""}`;
    const how = `${flags.verifyOnly ? " --verify-only" : ""}${flags.replace ? " --replace" : ""}`;
    process.stderr.write(
      `Stopped. \`${again}${how}\` goes on from here, \`${again} --give-up\` drops what was built.\n`,
    );
    return exitCodes.interrupted;
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

function choose(models: readonly string[], { all }: RebuildFlags) {
  const known = projections.map(({ name }) => name).join(", ");
  if (models.length > 0 === (all === true)) throw new CommandFailed(`name read models (${known}), or say --all`);
  const unknown = models.find((model) => !projections.some(({ name }) => name === model));
  if (unknown !== undefined) throw new CommandFailed(`no read model is named ${unknown}: there are ${known}`);
  return all ? projections : projections.filter(({ name }) => models.includes(name));
}

/** A bar for the folding, with what was not folded yet as its lag; a line for each step after it. */
function rebuildProgress() {
  const line = progressLine();
  let doing = "";
  return {
    show({ doing: now, names, events, position, head }: Progress): void {
      const what = `${now} ${names.join(", ")}`;
      if (what !== doing) {
        doing = what;
        if (now === "folding") line.begin(what, Math.max(1, head - position));
        else {
          line.end();
          process.stderr.write(`${what}\n`);
        }
      }
      if (now === "folding" && events > 0) line.step(events);
    },
    end: line.end,
  };
}

const says = {
  swapped: "equal to the live one, and in its place",
  replaced: "in place of one of another version",
  equal: "equal to the live one",
  differs: "NOT equal to the live one, which stays",
  stale: "the live one is of another version; there is nothing to compare",
} as const;

function linesOf({ name, outcome, tables, differences }: Rebuilt): string[] {
  const replaced = outcome === "swapped" && differences.length > 0;
  return [
    `${name}: ${replaced ? "NOT equal to the live one, which it replaced" : says[outcome]}`,
    ...table(tables.map((one) => [`  ${one.table}`, `${one.rows} rows`, one.hash, told(one.differences)])),
    ...differences.flatMap(differenceLines),
    ...(outcome === "differs" ? [`  put right what the log says by: scripta rebuild ${name} --replace`] : []),
  ];
}

const told = (differences: number): string => (differences === 0 ? "" : `${differences} differ`);

const differenceLines = ({ table: of, key, live, rebuilt }: Difference): string[] => [
  `  ${of} ${key}`,
  `    live     ${live ?? "is missing"}`,
  `    rebuilt  ${rebuilt ?? "is missing"}`,
];
