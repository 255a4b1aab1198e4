import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { CommandFailed } from "../commandFailed.ts";
import type { ProgressLine } from "../import/progressLine.ts";
import { MANIFEST, type Manifest, readManifest, type SavedFile } from "./manifest.ts";
import type { Part } from "./tables.ts";

/** A part of a backup, whole. */
export interface OpenPart {
  readonly folder: string;
  readonly manifest: Manifest;
}

/**
 * Finds a part in the folder of a backup, or in its own, and reads all of it once.
 * @throws CommandFailed naming each file that is missing, cut short or altered
 */
export async function openPart(from: string, part: Part, progress: ProgressLine): Promise<OpenPart> {
  for (const folder of [join(from, part), from]) {
    const manifest = await readManifest(folder, part);
    if (!manifest) continue;
    const faults = await faultsOf(folder, manifest, progress);
    if (faults.length > 0)
      throw new CommandFailed(
        [`${folder} is not as it was written:`, ...faults.map((fault) => `  ${fault}`)].join("\n"),
      );
    return { folder, manifest };
  }
  const begun = await stat(join(from, part)).catch(() => undefined);
  throw new CommandFailed(
    begun
      ? `the backup in ${join(from, part)} was cut short: ${MANIFEST}, which is written last, is missing`
      : `${from} holds no ${part} part of a backup: ${join(from, part, MANIFEST)} is missing`,
  );
}

async function faultsOf(folder: string, { part, tables, files }: Manifest, progress: ProgressLine): Promise<string[]> {
  const all = [...tables, ...files];
  progress.begin(
    `checking the ${part} part, bytes`,
    all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  );
  const faults: string[] = [];
  for (const file of all) {
    const fault = await faultOf(folder, file, progress);
    if (fault !== undefined) faults.push(`${file.name} ${fault}`);
  }
  progress.end();
  return faults;
}

async function faultOf(folder: string, file: SavedFile, progress: ProgressLine): Promise<string | undefined> {
  const path = join(folder, file.name);
  const found = await stat(path).catch(() => undefined);
  if (!found) return "is missing";
  if (found.size !== file.sizeBytes) return `has ${found.size} of ${file.sizeBytes} bytes`;
  const digest = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    digest.update(chunk);
    progress.step(chunk.length);
  }
  return digest.digest("hex") === file.sha256 ? undefined : "was altered: it differs from its SHA-256";
}
