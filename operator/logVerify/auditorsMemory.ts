import { hash } from "node:crypto";
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** What an auditor keeps of a log from one time to the next: the key that it is trusted by, and how far it went. */
export interface Memory {
  readonly keys: string | undefined;
  readonly checkpoint: string | undefined;
  keep(what: { readonly keys: string; readonly checkpoint: string }): Promise<void>;
}

export const usualFolder = (): string =>
  join(process.env.XDG_CONFIG_HOME || join(homedir(), ".config"), "scripta", "logs");

/** @param where the log is looked for: each place has a memory of its own */
export async function auditorsMemory(folder: string, where: string): Promise<Memory> {
  const path = join(folder, hash("sha256", where).slice(0, 16));
  return {
    keys: await readIfThere(`${path}.key`),
    checkpoint: await readIfThere(`${path}.checkpoint`),
    async keep({ keys, checkpoint }) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await replace(`${path}.key`, keys);
      await replace(`${path}.checkpoint`, checkpoint);
    },
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function replace(path: string, content: string): Promise<void> {
  const file = await open(`${path}.new`, "w", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
