import { hash } from "node:crypto";
import { mkdir, readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { z } from "zod";
import { CommandFailed } from "../commandFailed.ts";
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

/** What `saveKeyFiles` wrote. */
async function savedKeyFiles(folder: string): Promise<KeyFiles> {
  const files: Record<string, string> = {
    [TOKEN_SECRET]: (await readFile(join(folder, TOKEN_SECRET))).toString("base64"),
  };
  for (const name of [WEEK_KEYS, OTHERS])
    Object.assign(files, Files.parse(JSON.parse(await readFile(join(folder, name), "utf8"))));
  return files;
}

async function putBack(files: readonly [path: string, content: string][], keysFolder: string): Promise<void> {
  for (const [path, content] of files) {
    const to = join(keysFolder, path);
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await writeDurably(to, Buffer.from(content, "base64"));
    await syncFolder(dirname(to));
  }
}

/** Puts all of them back where a server looks for them. */
export const restoreKeyFiles = async (folder: string, keysFolder: string): Promise<void> =>
  putBack(Object.entries(await savedKeyFiles(folder)), keysFolder);

/**
 * Puts back those that are missing; gives their paths. A week key under which nothing is wrapped was destroyed on
 * purpose, and a head that was signed before the last one must not be taken for it: neither comes back.
 * @throws CommandFailed where a key that is needed is in neither place; then nothing is put back
 */
export async function restoreMissing(
  folder: string,
  keysFolder: string,
  wrapping: readonly { readonly tenant: string; readonly id: string }[],
): Promise<readonly string[]> {
  const [there, saved] = [await readKeyFiles(keysFolder), await savedKeyFiles(folder)];
  const lost = wrapping.find(({ tenant, id }) => !hasWeekKey({ ...saved, ...there }, tenant, id));
  if (lost)
    throw new CommandFailed(`the week key ${lost.id} of ${lost.tenant} is not in ${folder}: name another keys part`);
  const wanted = new Set(wrapping.map(({ tenant, id }) => `${WEEK}${tenant}/${id}.json`));
  const missing = Object.entries(saved).filter(
    ([path]) =>
      there[path] === undefined && (path.startsWith(WEEK) ? wanted.has(path) : !path.split("/").includes("heads")),
  );
  await putBack(missing, keysFolder);
  return missing.map(([path]) => path);
}
