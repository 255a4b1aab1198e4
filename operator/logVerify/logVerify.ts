import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { hexOf } from "../../compliance/verifier/bytes.ts";
import { CheckpointNotSigned } from "../../compliance/verifier/checkpoint.ts";
import { cosignersOf } from "../../compliance/verifier/cosignature.ts";
import { type Followed, followLog, LogFault, type LogSource } from "../../compliance/verifier/followLog.ts";
import { verifierKeyText } from "../../compliance/verifier/note.ts";
import { CommandFailed } from "../commandFailed.ts";
import { exitCodes } from "../exitCodes.ts";
import { print } from "../print.ts";
import { keysFrom } from "../proof/keysFrom.ts";
import { isReached, type Quorum, type QuorumFlags, quorumLines, quorumOf } from "../proof/quorum.ts";
import { auditorsMemory, usualFolder } from "./auditorsMemory.ts";
import { logSource, savedInto } from "./logSource.ts";

interface VerifyFlags extends QuorumFlags {
  readonly key?: string;
  readonly state?: string;
  readonly save?: string;
  readonly tokenFile?: string;
  readonly json?: boolean;
}

/** Follows a whole log as an auditor; exit code 1 where something does not fit, with what and where. */
export async function logVerifyCommand(where: string, flags: VerifyFlags): Promise<number> {
  const token = flags.tokenFile === undefined ? undefined : (await readFile(flags.tokenFile, "utf8")).trim();
  const found = logSource(where, token);
  const source = flags.save === undefined ? found : savedInto(flags.save, found);
  const memory = await auditorsMemory(flags.state ?? usualFolder(), where);
  const trusted = flags.key ?? memory.keys;
  const keys = trusted === undefined ? undefined : await keysFrom(trusted);
  const given = new TextDecoder().decode(await keyFile(source, where));
  const trustedKeys = keys ?? (await keysFrom(given));
  if (!keys) process.stderr.write(`trusted from now on, since none was given: ${given}`);
  try {
    const quorum = await quorumOf(flags);
    const followed = await followLog(await cosignedBy(quorum, source), trustedKeys, memory.checkpoint, showProgress);
    const cosigners = await cosignersOf(followed.note, quorum.witnesses);
    await memory.keep({
      keys: trustedKeys.map((key) => `${verifierKeyText(key)}\n`).join(""),
      checkpoint: followed.note,
    });
    const witnessed = isReached(quorum, cosigners);
    tell(followed, memory.checkpoint !== undefined, flags.json, {
      facts: quorum.witnesses.length > 0 ? { witnessed, cosigners } : {},
      lines: quorumLines(quorum, cosigners),
    });
    return witnessed ? exitCodes.done : exitCodes.failed;
  } catch (error) {
    if (!(error instanceof LogFault || error instanceof CheckpointNotSigned || error instanceof SyntaxError))
      throw error;
    print({ verdict: "tampered", why: error.message }, flags.json, [`tampered: ${error.message}`]);
    return exitCodes.failed;
  }
}

/** What has no key is no log: nothing of it was altered. */
const keyFile = (source: LogSource, where: string): Promise<Uint8Array> =>
  source("key").catch((error: unknown) => {
    throw error instanceof LogFault
      ? new CommandFailed(`there is no verifiable log at ${where}: ${error.message}`)
      : error;
  });

const COSIGNED_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 250;

/** A checkpoint is cosigned a moment after it is signed: one that has its cosignatures is waited for a little. */
async function cosignedBy(quorum: Quorum, source: LogSource): Promise<LogSource> {
  if (quorum.needed === 0) return source;
  const until = Date.now() + COSIGNED_WITHIN_MS;
  for (;;) {
    const checkpoint = await source("checkpoint");
    const cosigners = await cosignersOf(new TextDecoder().decode(checkpoint), quorum.witnesses);
    if (isReached(quorum, cosigners) || Date.now() > until)
      return async (path) => (path === "checkpoint" ? checkpoint : source(path));
    await pause(LOOK_EVERY_MS);
  }
}

function tell(
  { checkpoint: { origin, size, root } }: Followed,
  goesOn: boolean,
  json: boolean | undefined,
  witnesses: { readonly facts: object; readonly lines: readonly string[] },
): void {
  print({ verdict: "intact", origin, size, root: hexOf(root), goesOnFromLastTime: goesOn, ...witnesses.facts }, json, [
    `intact: ${size.toLocaleString("en-US")} entries of ${origin}`,
    `root ${hexOf(root)}, signed`,
    goesOn
      ? "it goes on from the checkpoint that was seen last time"
      : "seen for the first time: its checkpoint is kept, and must be gone on from",
    ...witnesses.lines,
  ]);
}

function showProgress(entries: number, of: number): void {
  if (process.stderr.isTTY && (entries % 25_600 === 0 || entries === of))
    process.stderr.write(
      `\r${entries.toLocaleString("en-US")} of ${of.toLocaleString("en-US")}${entries === of ? "\n" : ""}`,
    );
}
