import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { runningInstance } from "../../infra/instanceLock.ts";

export interface TestServer {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly dataFolder: string;
  readonly child: ChildProcess;
  /** What it wrote to both its outputs so far. */
  output(): string;
  /** Ends it as Ctrl-C does, waits for its end, and removes a data folder that was made here. Gives the exit code. */
  stop(): Promise<number | null>;
  /** Ends it by SIGKILL and waits for its end. Its data folder stays, for another start: `{ SCRIPTA_DATA: dataFolder }`. */
  kill(): Promise<void>;
}

const READY_MS = 60_000;
const ENDED_MS = 20_000;
const program = fileURLToPath(new URL("../../operator/scripta.ts", import.meta.url));

/**
 * The real program as a user starts it, as a process of its own on any free port, without rate limits. The embedded
 * database is part of it.
 * @param environment beside this process's own; with `SCRIPTA_DATA` the folder is the caller's, else a temporary one
 */
export async function startServer(environment: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const own = environment.SCRIPTA_DATA === undefined;
  const dataFolder = environment.SCRIPTA_DATA ?? (await mkdtemp(join(tmpdir(), "scripta-server-")));
  const child = spawn(process.execPath, [program, "start"], {
    env: {
      ...process.env,
      SCRIPTA_PORT: "0",
      SCRIPTA_RATE_LIMITS: "off",
      SCRIPTA_LOG_LEVEL: "warn",
      ...environment,
      SCRIPTA_DATA: dataFolder,
    },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-50_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const ended = once(child, "exit");
  const endBy = async (signal: "SIGTERM" | "SIGKILL") => {
    if (hasEnded()) return;
    child.kill(signal);
    const overdue = setTimeout(() => child.kill("SIGKILL"), ENDED_MS);
    await ended;
    clearTimeout(overdue);
  };
  const remove = () => (own ? rm(dataFolder, { recursive: true, force: true, maxRetries: 20 }) : undefined);
  const url = await reached(child, dataFolder, hasEnded).catch(async (error: unknown) => {
    await endBy("SIGKILL");
    await remove();
    throw new Error(`the server did not become ready:\n${output}`, { cause: error });
  });
  return {
    url,
    dataFolder,
    child,
    output: () => output,
    async stop() {
      await endBy("SIGTERM");
      await remove();
      return child.exitCode;
    },
    kill: () => endBy("SIGKILL"),
  };
}

/** Where it answers, once it says that it is ready. */
async function reached(child: ChildProcess, dataFolder: string, hasEnded: () => boolean): Promise<string> {
  const until = performance.now() + READY_MS;
  while (performance.now() < until) {
    if (hasEnded()) throw new Error("it ended");
    const instance = await runningInstance(dataFolder);
    if (instance?.pid === child.pid && instance?.address && (await isReady(instance.address))) return instance.address;
    await pause(50);
  }
  throw new Error(`not within ${READY_MS / 1_000} s`);
}

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );
