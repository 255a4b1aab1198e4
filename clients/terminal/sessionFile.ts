import { mkdir, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Storage, Stored } from "../sdk/index.ts";

export interface SessionFile extends Storage {
  /** Signed out: nothing of it stays on the disk. */
  forget(): Promise<void>;
  release(): Promise<void>;
}

const MOST_AT_ONCE = 20;

/**
 * What a device keeps, in a file below the user's configuration that nobody else may read. Who chats twice at once as
 * the same person has two devices: each has a file, held by the process that uses it.
 */
export async function claimSessionFile(
  { url, tenant, user }: { readonly url: string; readonly tenant: string; readonly user: string },
  folder: string = join(process.env.XDG_CONFIG_HOME || join(homedir(), ".config"), "scripta"),
): Promise<SessionFile> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const name = encodeURIComponent(`${new URL(url).host} ${tenant} ${user}`).replaceAll("%20", "_");
  for (let number = 1; number <= MOST_AT_ONCE; number++) {
    const path = join(folder, number === 1 ? `${name}.json` : `${name}.${number}.json`);
    if (await claimed(`${path}.lock`)) return sessionFile(path);
  }
  throw new Error(`${user} chats in ${MOST_AT_ONCE} terminals at once; if not, remove the .lock files in ${folder}`);
}

function sessionFile(path: string): SessionFile {
  return {
    async load() {
      const text = await readFile(path, "utf8").catch(ifMissing);
      return text === undefined ? undefined : parse(text);
    },
    async save(stored) {
      await writeFile(`${path}.new`, JSON.stringify(stored), { mode: 0o600, flush: true });
      await rename(`${path}.new`, path);
    },
    forget: () => rm(path, { force: true }),
    release: () => rm(`${path}.lock`, { force: true }),
  };
}

async function claimed(lock: string): Promise<boolean> {
  const holder = Number(await readFile(lock, "utf8").catch(ifMissing));
  if (holder > 0 && isAlive(holder)) return false;
  await rm(lock, { force: true });
  const file = await open(lock, "wx", 0o600).catch(() => undefined);
  await file?.writeFile(String(process.pid));
  await file?.close();
  return file !== undefined;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function ifMissing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}

/** A file that this program did not write, or not to its end, counts as none: one signs in again. */
function parse(text: string): Stored | undefined {
  try {
    const stored = JSON.parse(text);
    return stored?.format === 1 ? stored : undefined;
  } catch {
    return undefined;
  }
}
