import { hash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import { syncFolder, writeDurably } from "./durably.ts";
import type { SavedFile } from "./manifest.ts";

const WEEK = "week/";
const WEEK_KEYS = "week-keys.json";
const TOKEN_SECRET = "token-secret";
/** Whatever else lies in the folder of keys, such as what signs. */
const OTHERS = "other-keys.json";

/** Base64 of each file, by its path below the folder of keys. */
const Files = z.record(z.string().regex(/^(?!.*\.\.)[\w.-]+(\/[\w.-]+)*$/), z.base64());
export type KeyFiles = z.infer<typeof Files>;

/** What is half written, or half destroyed, is no key. */
const isWhole = (name: string): boolean => !/\.(new|destroyed)$/.test(name);

/** Those there are now. */
export async function readKeyFiles(keysFolder: string): Promise<KeyFiles> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(keysFolder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !isWhole(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    // One that was destroyed since the folder was read is none.
    const content = await readFile(path).catch(() => undefined);
    if (content) found[relative(keysFolder, path)] = content.toString("base64");
  }
  return found;
}

/** Whether the week key is among them. */
export const hasWeekKey = (files: KeyFiles, tenant: string, id: string): boolean =>
  files[`${WEEK}${tenant}/${id}.json`] !== undefined;

/** The week keys, the secret of tokens and the others, each kind in a file of its own. */
export async function saveKeyFiles(folder: string, keyFiles: KeyFiles): Promise<SavedFile[]> {
  const { [TOKEN_SECRET]: tokenSecret = "", ...rest } = keyFiles;
  const isOfWeek = ([path]: [string, string]) => path.startsWith(WEEK);
  const all = Object.entries(rest);
  const contents = {
    [WEEK_KEYS]: Buffer.from(JSON.stringify(Object.fromEntries(all.filter(isOfWeek)))),
    [TOKEN_SECRET]: Buffer.from(tokenSecret, "base64"),
    [OTHERS]: Buffer.from(JSON.stringify(Object.fromEntries(all.filter((entry) => !isOfWeek(entry))))),
  };
  const saved: SavedFile[] = [];
  for (const [name, content] of Object.entries(contents)) {
    await writeDurably(join(folder, name), content);
    saved.push({ name, sizeBytes: content.length, sha256: hash("sha256", content) });
  }
  return saved;
}

/** Puts all of them back where a server looks for them. */
export async function restoreKeyFiles(folder: string, keysFolder: string): Promise<void> {
  const tokenSecret = (await readFile(join(folder, TOKEN_SECRET))).toString("base64");
  const files = new Map([[TOKEN_SECRET, tokenSecret]]);
  for (const name of [WEEK_KEYS, OTHERS])
    for (const [path, content] of Object.entries(Files.parse(JSON.parse(await readFile(join(folder, name), "utf8")))))
      files.set(path, content);
  for (const [path, content] of files) {
    const to = join(keysFolder, path);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await writeDurably(to, Buffer.from(content, "base64"));
    await syncFolder(dirname(to));
  }
  await syncFolder(keysFolder);
}
