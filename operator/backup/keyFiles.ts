import { hash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { syncFolder, writeDurably } from "./durably.ts";
import type { SavedFile } from "./manifest.ts";

export const WEEK_KEYS = "week-keys.json";
export const TOKEN_SECRET = "token-secret";

/** The text of each week key's file, by its path below the folder of week keys: `<tenant>/<id>.json`. */
const WeekKeyFiles = z.record(z.string().regex(/^[a-z0-9-]{1,32}\/[\w-]+\.json$/), z.string());
type WeekKeyFiles = z.infer<typeof WeekKeyFiles>;

/** Those there are now; what is half written or half destroyed is none. */
export async function readWeekKeys(keysFolder: string): Promise<WeekKeyFiles> {
  const folder = join(keysFolder, "week");
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && entry.name.endsWith(".json")) {
      const path = join(entry.parentPath, entry.name);
      // One that was destroyed since the folder was read is none.
      const text = await readFile(path, "utf8").catch(() => undefined);
      if (text !== undefined) found[path.slice(folder.length + 1)] = text;
    }
  return found;
}

const save = async (folder: string, name: string, content: Uint8Array | string): Promise<SavedFile> => {
  await writeDurably(join(folder, name), content);
  return { name, sizeBytes: Buffer.byteLength(content), sha256: hash("sha256", content) };
};

/** The week keys and the secret of tokens, each in a file of its own. */
export async function saveKeyFiles(
  keysFolder: string,
  folder: string,
  weekKeys: WeekKeyFiles,
): Promise<readonly SavedFile[]> {
  const tokenSecret = await readFile(join(keysFolder, TOKEN_SECRET));
  return [
    await save(folder, WEEK_KEYS, `${JSON.stringify(weekKeys)}\n`),
    await save(folder, TOKEN_SECRET, tokenSecret),
  ];
}

/** Puts both back where a server looks for them. */
export async function restoreKeyFiles(folder: string, keysFolder: string): Promise<void> {
  const weekKeys = WeekKeyFiles.parse(JSON.parse(await readFile(join(folder, WEEK_KEYS), "utf8")));
  await mkdir(keysFolder, { recursive: true, mode: 0o700 });
  await writeDurably(join(keysFolder, TOKEN_SECRET), await readFile(join(folder, TOKEN_SECRET)));
  for (const [path, text] of Object.entries(weekKeys)) {
    const tenantFolder = dirname(join(keysFolder, "week", path));
    await mkdir(tenantFolder, { recursive: true, mode: 0o700 });
    await writeDurably(join(keysFolder, "week", path), text);
    await syncFolder(tenantFolder);
  }
  await syncFolder(keysFolder);
}
