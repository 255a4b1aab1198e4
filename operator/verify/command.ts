import type { Foundation } from "../../infra/foundation.ts";
import { exitCodes } from "../exitCodes.ts";
import { progressLine } from "../import/progressLine.ts";
import { onFolder } from "../onFolder.ts";
import { print } from "../print.ts";
import type { SettingFlags } from "../settings.ts";
import type { Deviation } from "./findings.ts";
import { type Verified, verifyLog } from "./verifyLog.ts";

export interface VerifyFlags extends SettingFlags {
  readonly json?: boolean;
  /** How many deviations to list; `true`: a hundred. Absent: the first ends the run. */
  readonly all?: string | true;
  /** Leaves out the read models. */
  readonly logOnly?: boolean;
}

const MANY = 100;

/** Replays the whole log, beside a running service or on a stopped one's folder. Exit code 1 where anything deviates. */
export async function verifyCommand(flags: VerifyFlags): Promise<number> {
  const most =
    flags.all === undefined ? 1 : flags.all === true ? MANY : Math.max(1, Number.parseInt(flags.all, 10) || MANY);
  const progress = progressLine();
  const stopping = new AbortController();
  const interrupted = () => stopping.abort();
  process.once("SIGINT", interrupted);
  process.once("SIGTERM", interrupted);
  try {
    const work = async ({ database, keys: { secrets }, engine: { snapshots }, log }: Foundation) => {
      const verified = await verifyLog(
        { database, secrets, snapshots, log },
        { most, readModels: !flags.logOnly, progress, signal: stopping.signal },
      );
      progress.end();
      const tried = verified.unavailable === 0 && !verified.readModels?.notCompared;
      const ok = verified.deviations.length === 0 && tried;
      print({ ok, ...verified }, flags.json, lines(verified, ok));
      return ok ? exitCodes.done : exitCodes.failed;
    };
    return await onFolder(flags, work, { renew: false });
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
    process.stderr.write("scripta: stopped before its end, so nothing is known\n");
    return exitCodes.interrupted;
  } finally {
    progress.end();
    process.off("SIGINT", interrupted);
    process.off("SIGTERM", interrupted);
  }
}

function lines(
  { upTo, checked, unknown, unavailable, readModels, deviations, complete }: Verified,
  ok: boolean,
): string[] {
  const number = (value: number) => value.toLocaleString("en");
  const { events, streams, conversations, messages, marks, snapshots, opened, erased } = checked;
  return [
    `Looked at ${number(events)} events in ${number(streams)} streams, up to position ${number(upTo)}:`,
    `  ${number(conversations)} conversations with ${number(messages)} messages and ${number(marks)} marks`,
    `  ${number(opened)} sealed parts open, ${number(erased)} are erased`,
    `  ${number(snapshots)} snapshots hold what the log gives`,
    ...(readModels
      ? [
          `  ${number(readModels.rows)} rows in ${readModels.tables} tables of read models were compared with what the log gives`,
        ]
      : []),
    ...unknown.map(({ event, count }) => `  ${number(count)} × ${event}: newer than this program, kept and not judged`),
    ...deviations.flatMap((one) => ["", ...deviationLines(one)]),
    "",
    ...(unavailable > 0
      ? [
          `${number(unavailable)} sealed parts could not be tried: their keys do not answer. That is no fault of the log.`,
        ]
      : []),
    ...(readModels?.notCompared ? [`Read models were not compared: ${readModels.notCompared}.`] : []),
    ...(complete ? [] : ["The rest was not looked at; --all lists more."]),
    ok
      ? "All is as it was promised."
      : deviations.length > 0
        ? "Something is not as it was promised."
        : "Not everything could be tried.",
  ];
}

const deviationLines = ({ rule, found, stream, revision, position }: Deviation): string[] => [
  `DEVIATION ${rule}: ${found}`,
  ...(stream === undefined ? [] : [`  in ${stream}${revision === undefined ? "" : `, revision ${revision}`}`]),
  ...(position === undefined ? [] : [`  at position ${position}`]),
];
