import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readKeyFiles, restoreKeyFiles, restoreMissing, saveKeyFiles } from "./keyFiles.ts";

let folder: string;
let keys: string;
let saved: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-key-files-"));
  [keys, saved] = [join(folder, "keys"), join(folder, "saved")];
  for (const made of [join(keys, "week", "main"), join(keys, "tlog", "heads"), saved])
    await mkdir(made, { recursive: true });
  await writeFile(join(keys, "token-secret"), Buffer.alloc(32, 255));
  await writeFile(join(keys, "week", "main", "old.json"), "an old week key");
  await writeFile(join(keys, "week", "main", "new.json"), "a new week key");
  await writeFile(join(keys, "week", "main", "half.json.new"), "half of one");
  await writeFile(join(keys, "tlog", "heads", "1.json"), "the first head");
  await saveKeyFiles(saved, await readKeyFiles(keys));
});
afterEach(() => rm(folder, { recursive: true }));

test("key files come back as they were, for their owner alone; what was half written does not", async () => {
  const before = await readKeyFiles(keys);
  expect(Object.keys(before).sort()).toEqual([
    "tlog/heads/1.json",
    "token-secret",
    "week/main/new.json",
    "week/main/old.json",
  ]);
  const elsewhere = join(folder, "elsewhere");
  await mkdir(elsewhere);
  await restoreKeyFiles(saved, elsewhere);
  expect(await readKeyFiles(elsewhere)).toEqual(before);
  expect((await stat(join(elsewhere, "week", "main", "new.json"))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(saved, "week-keys.json"), "utf8")).not.toContain(before["token-secret"]);
});

test("of those that are missing the ones in use come back: no destroyed week key, no signed head, nothing in place of what is there", async () => {
  await rm(join(keys, "week"), { recursive: true });
  await rm(join(keys, "tlog"), { recursive: true });
  await writeFile(join(keys, "token-secret"), "another by now");
  expect(await restoreMissing(saved, keys, [{ tenant: "main", id: "new" }])).toEqual(["week/main/new.json"]);
  expect(await readFile(join(keys, "week", "main", "new.json"), "utf8")).toBe("a new week key");
  expect(await readFile(join(keys, "token-secret"), "utf8")).toBe("another by now");
});

test("where a key that is needed is in neither place nothing is put back", async () => {
  await rm(join(keys, "token-secret"));
  const needed = [
    { tenant: "main", id: "new" },
    { tenant: "main", id: "newer" },
  ];
  await expect(restoreMissing(saved, keys, needed)).rejects.toThrow("the week key newer of main is not in");
  expect(Object.keys(await readKeyFiles(keys))).not.toContain("token-secret");
});
