import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A clock that a test can step, for a process that is started with its environment. */
export function steppedClock() {
  const file = join(tmpdir(), `scripta-clock-${randomBytes(6).toString("hex")}`);
  const preload = new URL("./shiftedClock.ts", import.meta.url);
  return {
    environment: { FAULT_CLOCK: file, NODE_OPTIONS: `--import ${preload.href}` },
    /** From now on the process's time is the true one and this. It takes it on within 100 ms. */
    step: (ms: number) => writeFile(file, String(ms)),
    remove: () => rm(file, { force: true }),
  };
}
