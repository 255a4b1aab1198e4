import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runningInstance } from "../infra/instanceLock.ts";

export interface TemporaryServer {
  readonly url: string;
  /** Ends it and removes all that it made. */
  stop(): Promise<void>;
}

const READY_MS = 60_000;
const ENDED_MS = 20_000;
const program = fileURLToPath(new URL("./scripta.ts", import.meta.url));

/** The program itself, as a process of its own, on a folder and a port of its own. Throws with its output if it fails. */
export async function startTemporaryServer(): Promise<TemporaryServer> {
  const folder = await mkdtemp(join(tmpdir(), "scripta-temporary-"));
  // What is set for another server, its database above all, is not for this one.
  const others = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SCRIPTA_")));
  const settings = { SCRIPTA_DATA: folder, SCRIPTA_PORT: "0", SCRIPTA_RATE_LIMITS: "off", SCRIPTA_LOG_LEVEL: "warn" };
  // In a group of its own: Ctrl-C is for the one who started it, who ends it in order.
  const child = spawn(process.execPath, [program, "start"], {
    env: { ...others, ...settings },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-20_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const stop = async () => {
    await end(child);
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  const url = await readyAddress(child, folder);
  if (url !== undefined) return { url, stop };
  await stop();
  throw new Error(`the server did not become ready:\n${output}`);
}

async function readyAddress(child: ChildProcess, folder: string): Promise<string | undefined> {
  const until = performance.now() + READY_MS;
  while (child.exitCode === null && child.signalCode === null && performance.now() < until) {
    const address = (await runningInstance(folder))?.address ?? undefined;
    if (address !== undefined && (await isReady(address))) return address;
    await pause(50);
  }
  return undefined;
}

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const tooLong = setTimeout(() => child.kill("SIGKILL"), ENDED_MS);
  await ended;
  clearTimeout(tooLong);
}
