import { readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const GENTLE_MS = 5_000;
const HARD_MS = 5_000;
const LOOK_EVERY_MS = 20;

/** The PostgreSQL that runs in a folder, by the pid that it left there; a stale file may name anybody. */
async function runningIn(folder: string): Promise<number | undefined> {
  const file = await readFile(join(folder, "postmaster.pid"), "utf8").catch(() => "");
  const pid = Number(file.split("\n", 1)[0]);
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
  return cwd === folder ? pid : undefined;
}

async function goneWithin(folder: string, pid: number, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while ((await runningIn(folder)) === pid) {
    if (performance.now() > deadline) return false;
    await delay(LOOK_EVERY_MS);
  }
  return true;
}

/**
 * Ends a PostgreSQL that a killed process left behind; its watcher is about to, and this waits for that.
 * Only for whoever holds the data folder's lock. Where there is no /proc, PostgreSQL's own lock file has to do.
 */
export async function endLeftover(folder: string, log: (line: string) => void): Promise<void> {
  const pid = await runningIn(folder);
  if (pid === undefined) return;
  log(`a database that a killed process left behind is ended first (pid ${pid})`);
  process.kill(pid, "SIGINT");
  if (await goneWithin(folder, pid, GENTLE_MS)) return;
  process.kill(pid, "SIGKILL");
  if (!(await goneWithin(folder, pid, HARD_MS)))
    throw new Error(`the process ${pid} keeps ${folder} and does not end: is its disk stuck?`);
}
