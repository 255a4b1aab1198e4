import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fileTokenSecret } from "./fileTokenSecret.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-token-secret-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("the secret is made once, however many start together, for its owner's eyes alone", async () => {
  const path = join(folder, "keys", "token-secret");
  const loaded = await Promise.all(Array.from({ length: 8 }, () => fileTokenSecret(path).load()));
  expect(new Set(loaded.map((secret) => Buffer.from(secret).toString("hex"))).size).toBe(1);
  expect(loaded[0]).toHaveLength(32);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, "keys"))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(folder, "keys"))).toEqual(["token-secret"]);
});

test("a damaged one is named, not replaced", async () => {
  const path = join(folder, "damaged");
  await writeFile(path, "short");
  await expect(fileTokenSecret(path).load()).rejects.toThrow(path);
});
