import { createWriteStream } from "node:fs";
import { access, open, rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { byTenant } from "../../accounts/byTenant.ts";
import { giveOut } from "../../compliance/export/giveOut.ts";
import type { Archive, Made } from "../../compliance/export/makeArchive.ts";
import type { ExportParts } from "../../compliance/export/parts.ts";
import { readExport } from "../../compliance/export/readExport.ts";
import { ExportAsked, requestExport } from "../../compliance/export/requestExport.ts";
import { Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import type { Foundation } from "../../infra/foundation.ts";
import { createLogger } from "../../infra/main.ts";
import { exportParts, startSequencer } from "../../infra/verifiableLog.ts";
import { byOperator } from "../byOperator.ts";
import { CommandFailed } from "../commandFailed.ts";
import { personNamed } from "../erase.ts";
import { exitCodes } from "../exitCodes.ts";
import { onFolder } from "../onFolder.ts";
import { print } from "../print.ts";
import type { SettingFlags } from "../settings.ts";

interface ExportFlags extends SettingFlags {
  readonly person?: string;
  readonly conversation?: readonly string[];
  readonly matter?: string;
  readonly approved?: string;
  readonly from?: string;
  readonly to?: string;
  readonly format: string;
  readonly out?: string;
  readonly tenant: string;
  readonly purpose?: string;
  readonly json?: boolean;
}

/** How long the verifiable log may take to come to what was committed just now, where no service runs. */
const SIGNED_WITHIN_MS = 600_000;

/** Writes an archive into a file; what is not whole has another name. */
export const exportCommand = (flags: ExportFlags): Promise<number> =>
  onFolder(flags, async (foundation) => {
    const { tenant } = flags;
    const parts = exportParts(foundation);
    const asked = flags.approved === undefined ? await askedNow(foundation, flags) : await askedBefore(parts, flags);
    if (!("scope" in asked)) {
      print(asked, flags.json, [
        `export ${asked.exportId} waits for a second officer, seven days at most`,
        `once it is approved: scripta export --approved ${asked.exportId}`,
      ]);
      return exitCodes.done;
    }
    const { exportId, scope } = asked;
    const file = flags.out ?? `export-${exportId}.zip`;
    await assertFree(file);
    // Where no service runs, the newest events are under no checkpoint yet.
    const sequencer = startSequencer(foundation, createLogger("error"));
    try {
      const made = await writeFile(`${file}.part`, file, (signal) =>
        giveOut(parts, { tenant, exportId, scope }, byOperator(foundation.engine, flags), {
          signal,
          signedWithinMs: SIGNED_WITHIN_MS,
          onProgress,
        }),
      );
      if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");
      print({ exportId, file, ...made }, flags.json, [
        `${file}: ${made.events.toLocaleString("en-US")} events of ${made.streams} streams in ${made.files} files`,
        `check it anywhere: scripta export check ${file} --key <the log's verifier key>`,
      ]);
      return exitCodes.done;
    } finally {
      await sequencer.stop();
    }
  });

function onProgress(events: number, stream: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${events.toLocaleString("en-US")} events, in ${stream}`);
}

async function askedNow(foundation: Foundation, flags: ExportFlags) {
  const scope = await scopeOf(foundation, flags);
  const by = byTenant(foundation.engine, flags.tenant);
  const requested = await requestExport(exportParts(foundation), scope, by);
  if (isRejection(requested)) throw new CommandFailed(requested.detail);
  return requested.status === "waiting" ? requested : { exportId: requested.exportId, scope };
}

async function askedBefore({ log }: ExportParts, { approved = "", tenant, person, conversation, matter }: ExportFlags) {
  if (person ?? conversation ?? matter)
    throw new CommandFailed("--approved is of what was asked for then: name nothing else");
  const exportId = Uuid.safeParse(approved).data;
  const found = exportId && (await readExport(log, tenant, exportId));
  if (!found)
    throw new CommandFailed(`${approved} is no export that may be fetched: scripta approvals lists what waits`);
  return found;
}

async function scopeOf({ compliance }: Foundation, flags: ExportFlags) {
  const { person, conversation, matter, from, to, format, tenant } = flags;
  const kinds = [person && "person", conversation && "conversation", matter && "matter"].filter(Boolean);
  if (kinds.length !== 1) throw new CommandFailed("give one of --person, --conversation and --matter");
  const asked = ExportAsked.safeParse({
    kind: kinds[0],
    ...(person === undefined ? {} : { userId: await personNamed(compliance.accounts, tenant, person) }),
    ...(conversation === undefined ? {} : { conversationIds: conversation }),
    ...(matter === undefined ? {} : { holdId: matter }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    format,
  });
  if (asked.success) return asked.data;
  const about = asked.error.issues.map(({ path, message }) => [...path, message].join(": "));
  throw new CommandFailed(about.join("; "));
}

async function assertFree(file: string): Promise<void> {
  const isThere = await access(file).then(
    () => true,
    () => false,
  );
  if (isThere) throw new CommandFailed(`${file} is there already: nothing was written`);
}

/** The archive under a name of its own until it is whole and on disk. */
async function writeFile(
  part: string,
  file: string,
  prepare: (signal: AbortSignal) => Promise<Archive | Rejection>,
): Promise<Made> {
  const stopping = new AbortController();
  try {
    const archive = await prepare(stopping.signal);
    if (isRejection(archive)) throw new CommandFailed(archive.detail);
    const writing = archive.write();
    const [made] = await Promise.all([
      writing,
      pipeline(archive.output, createWriteStream(part, { mode: 0o600 }), { signal: stopping.signal }),
    ]).catch((error: unknown) => {
      stopping.abort(error);
      throw error;
    });
    const written = await open(part);
    await written.sync();
    await written.close();
    await rename(part, file);
    return made;
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
