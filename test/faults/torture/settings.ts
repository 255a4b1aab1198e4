import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";

const USAGE = `npm run torture -- [--seed <number>] [--minutes <number>] [--people <number>] [--judge-every <seconds>]

  --seed         draws who does what and what breaks, and gives that again; drawn and printed where it is not given
  --minutes      how long (10)
  --people       who talk, on three devices each (4)
  --judge-every  how often all come to rest and the history is judged (120)

Exit codes: 0 no violation; 1 a violation, whose history is left in a file; 2 the command line does not hold.
`;

interface Settings {
  readonly seed: number;
  readonly minutes: number;
  readonly people: number;
  readonly judgeEveryMs: number;
}

/** What the command line asks for. Ends the process where it asks for help, or for what would judge nothing. */
export function settingsOf(args: readonly string[]): Settings {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        seed: { type: "string", default: String(randomBytes(3).readUIntBE(0, 3)) },
        minutes: { type: "string", default: "10" },
        people: { type: "string", default: "4" },
        "judge-every": { type: "string", default: "120" },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    return {
      seed: number("--seed", values.seed, 0),
      minutes: number("--minutes", values.minutes, Number.MIN_VALUE),
      people: number("--people", values.people, 2),
      judgeEveryMs: number("--judge-every", values["judge-every"], 1) * 1_000,
    };
  } catch (error) {
    process.stderr.write(`torture: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    process.exit(2);
  }
}

/** @throws Error */
function number(flag: string, text: string, least: number): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < least)
    throw new Error(
      `${flag} takes a number ${least === Number.MIN_VALUE ? "above 0" : `from ${least} on`}, not "${text}"`,
    );
  return value;
}
