import { hash } from "node:crypto";
import { readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { CommandFailed } from "../commandFailed.ts";
import { syncFolder, writeDurably } from "./durably.ts";
import { type Part, parts } from "./tables.ts";

export const MANIFEST = "manifest.json";

const SavedFile = z.strictObject({
  name: z.string().regex(/^[\w.-]+$/),
  sizeBytes: z.int().nonnegative(),
  /** Of the file as it lies there, hexadecimal. */
  sha256: z.string(),
});
export type SavedFile = z.infer<typeof SavedFile>;

const TableFile = SavedFile.extend({
  table: z.string(),
  columns: z.array(z.string().regex(/^[a-z_][a-z0-9_]*$/)).min(1),
  rows: z.int().nonnegative(),
});
export type TableFile = z.infer<typeof TableFile>;

const Facts = z.strictObject({
  format: z.literal("scripta/backup/v1"),
  part: z.enum(parts),
  /** The same for all parts of one installation: SHA-256 of the key that tags its first tenant's entries. */
  installation: z.string(),
  takenAt: z.iso.datetime(),
  /** The version of Scripta. */
  program: z.string(),
  epoch: z.int(),
  /** Where the log ended. */
  head: z.strictObject({ position: z.int(), recordedAt: z.iso.datetime() }),
  /** The head of the erasure ledger. */
  ledger: z.int(),
  migrations: z.array(z.strictObject({ name: z.string(), sha256: z.string() })),
  /** Of a keys part: from then on its secrets open with no week key that was kept elsewhere. */
  uselessFrom: z.iso.datetime().optional(),
  tables: z.array(TableFile),
  files: z.array(SavedFile),
});
/** What a part of a backup holds. */
export type Manifest = z.infer<typeof Facts>;

const Sealed = Facts.extend({ sha256: z.string() });

const digestOf = (facts: Manifest): string => hash("sha256", JSON.stringify(Facts.parse(facts)));

/** The last file of a part to be written: a part without it was cut short. */
export async function writeManifest(folder: string, facts: Manifest): Promise<void> {
  const path = join(folder, MANIFEST);
  await writeDurably(`${path}.new`, `${JSON.stringify({ ...facts, sha256: digestOf(facts) }, undefined, 2)}\n`);
  await rename(`${path}.new`, path);
  await syncFolder(folder);
  await syncFolder(join(folder, ".."));
}

/** Undefined where there is none. @throws CommandFailed where it is not as it was written */
export async function readManifest(folder: string, part: Part): Promise<Manifest | undefined> {
  const path = join(folder, MANIFEST);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR"))
      return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const { sha256, ...facts } = parsed(path, text);
  if (sha256 !== digestOf(facts)) throw new CommandFailed(`${path} was altered: it differs from its own SHA-256`);
  return facts.part === part ? facts : undefined;
}

function parsed(path: string, text: string): z.infer<typeof Sealed> {
  try {
    return Sealed.parse(JSON.parse(text));
  } catch (error) {
    throw new CommandFailed(`${path} is cut short, altered, or of a newer Scripta`, { cause: error });
  }
}
