import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
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
  /** Resident bytes after all garbage was given back; only of a program started with `collecting`. */
  collected(): Promise<number>;
}

/** Flags for Node under which a program gives back its garbage when it is asked how much memory it needs. */
export const collecting = ["--expose-gc", "--import", new URL("collect.ts", import.meta.url).href] as const;

async function collected(child: ChildProcess): Promise<number> {
  const answer = once(child, "message");
  child.send("collect");
  const [bytes]: unknown[] = await answer;
  return Number(bytes);
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

interface ScriptaOptions {
  /** A data folder that is kept; absent: one of its own, which is removed at the end. */
  readonly folder?: string;
  /** For Node, before the program. */
  readonly flags?: readonly string[];
  /** A server that neither seals nor proves, for comparison. */
  readonly unproven?: boolean;
}

/** Starts `scripta start` without rate limits; fsync is on, as always. */
export async function startScripta({
  folder: given,
  flags = [],
  unproven = false,
}: ScriptaOptions = {}): Promise<Measured & { readonly database: string }> {
  const folder = given ?? mkdtempSync(join(tmpdir(), "scripta-bench-"));
  const program = unproven
    ? [new URL("unprovenServer.ts", import.meta.url).pathname]
    : ["operator/scripta.ts", "start"];
  const child = spawn(process.execPath, [...flags, ...program], {
    env: {
      ...process.env,
      SCRIPTA_DATA: folder,
      SCRIPTA_PORT: "0",
      SCRIPTA_RATE_LIMITS: "off",
      SCRIPTA_LOG_LEVEL: "warn",
    },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const url = await started(child, /address\s+(http:\S+)/, "scripta start");
  return {
    pid: child.pid ?? 0,
    url,
    database: readFileSync(join(folder, "postgres.url"), "utf8").trim(),
    async stop() {
      await stop(child);
      if (given === undefined) rmSync(folder, { recursive: true, force: true });
    },
    collected: () => collected(child),
  };
}

/** Starts the bare relay of `relay.ts`; with a database it commits one INSERT a message before it passes it on. */
export async function startRelay(database?: string, flags: readonly string[] = []): Promise<Measured> {
  const relay = new URL("relay.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [...flags, relay, ...(database ? [database] : [])], {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const url = await started(child, /listening (http:\S+)/, "the relay");
  return { pid: child.pid ?? 0, url, stop: () => stop(child), collected: () => collected(child) };
}
