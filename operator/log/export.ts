import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { Database } from "../../infra/ports/database.ts";
import { exitCodes } from "../exitCodes.ts";
import { progressLine } from "../import/progressLine.ts";
import { onFolder } from "../onFolder.ts";
import type { SettingFlags } from "../settings.ts";
import { standardOutput } from "./pipe.ts";
import { resumePoint } from "./resumePoint.ts";
import { positionFlag } from "./wholeNumber.ts";

export interface ExportFlags extends SettingFlags {
  readonly json?: boolean;
  readonly from?: string;
}

/** One event as a line of an export: what the log holds of it, byte for byte. `data` and `meta` are strings of JSON. */
interface ExportedRow {
  readonly position: number;
  readonly recordedAt: number;
  readonly stream: string;
  readonly revision: number;
  readonly commandId: string;
  readonly ordinal: number;
  readonly actorId: string | null;
  readonly payloadHash: Buffer | null;
  readonly target: string | null;
  readonly type: string;
  readonly version: number;
  readonly data: string;
  readonly meta: string;
  readonly subject: string | null;
  readonly bucket: string | null;
  readonly sealed: Buffer | null;
}

export interface Exported {
  readonly events: number;
  readonly bytes: number;
  /** Of the lines that this run wrote, in hex. */
  readonly sha256: string;
  /** The position to go on `--from`. */
  readonly next: number;
}

const PAGE = 1_000;

/** The log as JSON lines. An export that was stopped goes on where its file ends. */
export async function exportCommand(path: string, flags: ExportFlags): Promise<number> {
  const from = positionFlag("--from", flags.from);
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  const progress = progressLine();
  const file = path === "-" ? undefined : await open(path, "a+", 0o600);
  try {
    return await onFolder(flags, async ({ database, log }) => {
      const begin = file ? await resumePoint(file, path, from) : (from ?? 1);
      const { position: upTo } = await log.head();
      progress.begin("exporting", Math.max(0, upTo - begin + 1));
      const written = await writeTo(file, (write) =>
        exportLog(database, { begin, upTo, write, signal: stopping.signal, step: progress.step }),
      );
      progress.end();
      const { events, next } = written;
      const summary = flags.json
        ? JSON.stringify(written)
        : `${events} events, sha256 ${written.sha256}; the next is ${next}`;
      // What goes to standard output stays events alone.
      (file ? process.stdout : process.stderr).write(`${summary}\n`);
      return stopping.signal.aborted ? exitCodes.interrupted : exitCodes.done;
    });
  } finally {
    progress.end();
    await file?.close();
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  }
}

async function writeTo(
  file: FileHandle | undefined,
  work: (write: (text: string) => Promise<boolean>) => Promise<Exported>,
): Promise<Exported> {
  if (file) {
    const exported = await work(async (text) => {
      await file.appendFile(text);
      return true;
    });
    await file.sync();
    return exported;
  }
  const pipe = standardOutput();
  try {
    return await work(pipe.write);
  } finally {
    pipe.close();
  }
}

interface Exporting {
  readonly begin: number;
  readonly upTo: number;
  /** False: nobody takes any more. */
  write(text: string): Promise<boolean>;
  readonly signal?: AbortSignal;
  step(events: number): void;
}

/** Writes whole lines of whole events, from one position to another, both included. */
export async function exportLog(
  database: Database,
  { begin, upTo, write, signal, step }: Exporting,
): Promise<Exported> {
  const hash: Hash = createHash("sha256");
  let [events, bytes, next] = [0, 0, begin];
  while (next <= upTo && !signal?.aborted) {
    const { rows } = await database.query<ExportedRow>(
      `select e.position, e.recorded_at as "recordedAt", s.stream, e.revision, e.command as "commandId",
         e.command_at as ordinal, e.actor as "actorId", e.payload_hash as "payloadHash", e.target, e.type, e.version,
         e.data::text as data, e.meta::text as meta, e.subject, e.bucket, e.sealed
       from log.events e join log.streams s using (stream_no)
       where e.position >= $1 and e.position <= $2 order by e.position limit ${PAGE}`,
      [next, upTo],
      "log-export",
    );
    if (rows.length === 0) break;
    const text = rows.map((row) => `${JSON.stringify(lineOf(row))}\n`).join("");
    if (!(await write(text))) break;
    hash.update(text);
    bytes += Buffer.byteLength(text);
    events += rows.length;
    next = (rows.at(-1)?.position ?? next) + 1;
    step(rows.length);
  }
  return { events, bytes, sha256: hash.digest("hex"), next };
}

const lineOf = ({ payloadHash, subject, bucket, sealed, ...row }: ExportedRow) => ({
  ...row,
  payloadHash: payloadHash?.toString("base64") ?? null,
  sealed: sealed && { subject, bucket, bytes: sealed.toString("base64") },
});
