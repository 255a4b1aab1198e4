import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A program under measurement, in a process of its own. */
export interface Measured {
  readonly pid: number;
  /** Such as `http://127.0.0.1:41234`. */
  readonly url: string;
  stop(): Promise<void>;
}

function started(child: ChildProcess, ready: RegExp, what: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const heard: string[] = [];
    const { stdout } = child;
    if (!stdout) return reject(new Error(`${what} has no output`));
    createInterface({ input: stdout }).on("line", (line) => {
      heard.push(line);
      const [, url] = ready.exec(line) ?? [];
      if (url) resolve(url);
    });
    child.once("exit", (code) => reject(new Error(`${what} ended with ${code}:\n${heard.join("\n")}`)));
  });
}

const ended = (child: ChildProcess) => new Promise<void>((resolve) => child.once("exit", () => resolve()));

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const end = ended(child);
  child.kill("SIGTERM");
  await end;
}

/** Starts `scripta start` on a folder of its own, without rate limits; fsync is on, as always. */
export async function startScripta(): Promise<Measured & { readonly database: string }> {
  const folder = mkdtempSync(join(tmpdir(), "scripta-bench-"));
  const child = spawn(process.execPath, ["operator/scripta.ts", "start"], {
    env: {
      ...process.env,
      SCRIPTA_DATA: folder,
      SCRIPTA_PORT: "0",
      SCRIPTA_RATE_LIMITS: "off",
      SCRIPTA_LOG_LEVEL: "warn",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await started(child, /address\s+(http:\S+)/, "scripta start");
  return {
    pid: child.pid ?? 0,
    url,
    database: readFileSync(join(folder, "postgres.url"), "utf8").trim(),
    async stop() {
      await stop(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts the bare relay of `relay.ts`; with a database it commits one INSERT a message before it passes it on. */
export async function startRelay(database?: string): Promise<Measured> {
  const relay = new URL("relay.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [relay, ...(database ? [database] : [])], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const url = await started(child, /listening (http:\S+)/, "the relay");
  return { pid: child.pid ?? 0, url, stop: () => stop(child) };
}
