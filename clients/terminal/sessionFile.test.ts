import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { emptyState } from "../sdk/index.ts";
import { plainOf } from "../sdk/stored.ts";
import { claimSessionFile } from "./sessionFile.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-session-"));
});
afterEach(() => rm(folder, { recursive: true }));

const who = { url: "http://127.0.0.1:8080", tenant: "main", user: "../ada" };
const stored = {
  format: 1,
  tokens: { accessToken: "a", refreshToken: "r", expiresAt: 0, userId: "ada", deviceId: "d" },
  cursor: null,
  state: plainOf(emptyState("ada")),
  outbox: { waiting: [], settled: [] },
} as const;

test("what a device keeps is readable by its owner alone, and comes back", async () => {
  const file = await claimSessionFile(who, folder);
  await file.save(stored);
  expect(await file.load()).toEqual(stored);
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json"));
  expect(names).toHaveLength(1);
  expect((await stat(join(folder, names[0] ?? ""))).mode & 0o777).toBe(0o600);
});

test("two terminals of one person are two devices; one that is free again is used again", async () => {
  const first = await claimSessionFile(who, folder);
  await first.save(stored);
  const second = await claimSessionFile(who, folder);
  expect(await second.load()).toBeUndefined();
  await first.release();
  const third = await claimSessionFile(who, folder);
  expect(await third.load()).toEqual(stored);
});

test("a file that was cut short counts as none", async () => {
  const file = await claimSessionFile(who, folder);
  await file.save(stored);
  const [name = ""] = (await readdir(folder)).filter((each) => each.endsWith(".json"));
  await writeFile(join(folder, name), '{"format": 1, "tok');
  expect(await file.load()).toBeUndefined();
});
