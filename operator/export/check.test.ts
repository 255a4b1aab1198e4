import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CommandFailed } from "../commandFailed.ts";
import { exitCodes } from "../exitCodes.ts";
import { checkExportCommand } from "./check.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-check-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a file that cannot be read is named, with why, and is not called tampered", async () => {
  const absent = join(folder, "absent.zip");
  const told = checkExportCommand(absent, {});
  await expect(told).rejects.toThrow(CommandFailed);
  await expect(told).rejects.toThrow(`${absent} cannot be read: ENOENT`);
  await expect(checkExportCommand(folder, {})).rejects.toThrow(`${folder} cannot be read: EISDIR`);
});

test("what can be read and is no archive, or breaks off, is called incomplete, in words and in JSON", async () => {
  const file = join(folder, "letter.zip");
  await writeFile(file, "Dear Sir or Madam");
  const written: string[] = [];
  const out = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
  try {
    expect(await checkExportCommand(file, {})).toBe(exitCodes.failed);
    expect(await checkExportCommand(file, { json: true })).toBe(exitCodes.failed);
  } finally {
    out.mockRestore();
  }
  expect(written.join("")).toContain("it is no zip archive, or it breaks off before its end");
  expect(JSON.parse(written.at(-1) ?? "")).toMatchObject({ verdict: "incomplete", faults: [expect.any(String)] });
});
