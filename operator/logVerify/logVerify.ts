import { readFile } from "node:fs/promises";
import { hexOf } from "../../compliance/verifier/bytes.ts";
import { CheckpointNotSigned } from "../../compliance/verifier/checkpoint.ts";
import { type Followed, followLog, LogFault } from "../../compliance/verifier/followLog.ts";
import { verifierKeyText } from "../../compliance/verifier/note.ts";
import { exitCodes } from "../exitCodes.ts";
import { print } from "../print.ts";
import { keysFrom } from "../proof/keysFrom.ts";
import { auditorsMemory, usualFolder } from "./auditorsMemory.ts";
import { logSource, savedInto } from "./logSource.ts";

interface VerifyFlags {
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
  const given = new TextDecoder().decode(await source("key"));
  const trustedKeys = keys ?? (await keysFrom(given));
  if (!keys) process.stderr.write(`trusted from now on, since none was given: ${given}`);
  try {
    const followed = await followLog(source, trustedKeys, memory.checkpoint, showProgress);
    await memory.keep({
      keys: trustedKeys.map((key) => `${verifierKeyText(key)}\n`).join(""),
      checkpoint: followed.note,
    });
    tell(followed, memory.checkpoint !== undefined, flags.json);
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof LogFault || error instanceof CheckpointNotSigned || error instanceof SyntaxError))
      throw error;
    print({ verdict: "tampered", why: error.message }, flags.json, [`tampered: ${error.message}`]);
    return exitCodes.failed;
  }
}

function tell({ checkpoint: { origin, size, root } }: Followed, goesOn: boolean, json: boolean | undefined): void {
  print({ verdict: "intact", origin, size, root: hexOf(root), goesOnFromLastTime: goesOn }, json, [
    `intact: ${size.toLocaleString("en-US")} entries of ${origin}`,
    `root ${hexOf(root)}, signed`,
    goesOn
      ? "it goes on from the checkpoint that was seen last time"
      : "seen for the first time: its checkpoint is kept, and must be gone on from",
  ]);
}

function showProgress(entries: number, of: number): void {
  if (process.stderr.isTTY && (entries % 25_600 === 0 || entries === of))
    process.stderr.write(
      `\r${entries.toLocaleString("en-US")} of ${of.toLocaleString("en-US")}${entries === of ? "\n" : ""}`,
    );
}
