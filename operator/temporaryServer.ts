import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export interface TemporaryServer {
  readonly url: string;
  /** Ends it as a user would, and starts it again on the same folder and port. */
  restart(): Promise<void>;
  /** Ends it and removes all that it made. */
  stop(): Promise<void>;
}

const READY_MS = 60_000;
const ENDED_MS = 20_000;
const program = fileURLToPath(new URL("./scripta.ts", import.meta.url));

/** The program itself, as a process of its own on a folder and a port of its own. Throws with its output if it fails. */
export async function startTemporaryServer(environment: NodeJS.ProcessEnv = {}): Promise<TemporaryServer> {
  const folder = await mkdtemp(join(tmpdir(), "scripta-temporary-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const start = () =>
    run(url, {
      ...process.env,
      SCRIPTA_LOG_LEVEL: "warn",
      ...environment,
      SCRIPTA_DATA: folder,
      SCRIPTA_PORT: String(port),
    });
  let running = await start();
  return {
    url,
    async restart() {
      await end(running);
      running = await start();
    },
    async stop() {
      await end(running);
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

async function run(url: string, env: NodeJS.ProcessEnv): Promise<ChildProcess> {
  // In a group of its own: Ctrl-C is for the one who started it, who ends it in order.
  const child = spawn(process.execPath, [program, "start"], { env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-20_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const until = Date.now() + READY_MS;
  while (!(await isReady(url))) {
    if (child.exitCode !== null || Date.now() > until) {
      child.kill("SIGKILL");
      throw new Error(`the server did not become ready:\n${output}`);
    }
    await pause(50);
  }
  return child;
}

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/health/ready`).then(
    ({ ok }) => ok,
    () => false,
  );

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGTERM");
  const tooLong = setTimeout(() => child.kill("SIGKILL"), ENDED_MS);
  await ended;
  clearTimeout(tooLong);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}
