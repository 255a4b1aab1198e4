import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runningInstance, takeInstanceLock } from "./instanceLock.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-lock-"));
});
afterAll(() => rm(folder, { recursive: true }));

const reach = { address: "http://127.0.0.1:8080", databaseUrlFile: "postgres.url" };

test("one process holds a folder; others find where it answers; it is free again when released", async () => {
  const lock = await takeInstanceLock(folder);
  expect(await takeInstanceLock(folder)).toBeUndefined();
  expect(await runningInstance(folder)).toBeUndefined();
  await lock?.announce(reach);
  expect(await runningInstance(folder)).toMatchObject({ ...reach, pid: process.pid });
  await lock?.release();
  expect(await runningInstance(folder)).toBeUndefined();
  const again = await takeInstanceLock(folder);
  expect(again).toBeDefined();
  await again?.release();
});

test("the lock of a process that was killed is free at once, and what it announced counts for nothing", async () => {
  const script = `
    import { takeInstanceLock } from ${JSON.stringify(new URL("instanceLock.ts", import.meta.url).href)};
    const lock = await takeInstanceLock(${JSON.stringify(folder)});
    await lock.announce(${JSON.stringify(reach)});
    setInterval(() => undefined, 1000);
    console.log("held");`;
  const holder = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  expect(await takeInstanceLock(folder)).toBeUndefined();
  expect(await runningInstance(folder)).toMatchObject({ pid: holder.pid });
  holder.kill("SIGKILL");
  await new Promise((resolve) => holder.once("exit", resolve));
  expect(await runningInstance(folder)).toBeUndefined();
  const lock = await takeInstanceLock(folder);
  expect(lock).toBeDefined();
  await lock?.release();
});
