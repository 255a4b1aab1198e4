import { type ArchiveReport, checkArchive } from "../../compliance/export/check/checkArchive.ts";
import type { Manifest } from "../../compliance/export/manifest.ts";
import { CommandFailed } from "../commandFailed.ts";
import { exitCodes } from "../exitCodes.ts";
import { print } from "../print.ts";
import { keysFrom } from "../proof/keysFrom.ts";

/** Checks an archive without any server; exit code 1 where something is missing or altered. */
export async function checkExportCommand(
  file: string,
  flags: { readonly key?: string; readonly json?: boolean },
): Promise<number> {
  const keys = flags.key === undefined ? undefined : await keysFrom(flags.key);
  const report = await checkArchive(file, keys, showChecked).catch((error: unknown) => {
    if (error instanceof Error && "code" in error) throw new CommandFailed(`${file} cannot be read: ${error.message}`);
    throw error;
  });
  if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
  print(report, flags.json, linesOf(report));
  return report.verdict === "complete" ? exitCodes.done : exitCodes.failed;
}

function showChecked(events: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${count(events)} events checked`);
}

const count = (n: number): string => n.toLocaleString("en-US");

function linesOf({ verdict, faults, notes, manifest }: ArchiveReport): string[] {
  return [
    ...(verdict === "complete"
      ? ["complete and untampered", ...(manifest ? held(manifest) : [])]
      : [
          `${verdict}: ${faults.length === 1 ? "one thing does" : `${count(faults.length)} things do`} not fit`,
          ...faults.map((fault) => `  ${fault}`),
        ]),
    ...notes.map((note) => `note: ${note}`),
  ];
}

function held({ exportId, tenant, asked, madeAt, streams, checkpoint }: Manifest): string[] {
  const sum = (of: (stream: Manifest["streams"][number]) => number) =>
    count(streams.reduce((n, one) => n + of(one), 0));
  return [
    `export ${exportId} of ${tenant}: ${asked.kind}, made ${madeAt}`,
    `${count(streams.length)} streams, ${sum(({ events }) => events)} events: ${sum(({ shown }) => shown)} shown, ${sum(({ withheld }) => withheld)} accounted for by their hashes`,
    `content: ${sum(({ readable }) => readable)} readable, ${sum(({ erased }) => erased)} erased, ${sum(({ held: kept }) => kept)} held`,
    `under the checkpoint of ${count(checkpoint.size)} entries of ${checkpoint.origin}`,
  ];
}
