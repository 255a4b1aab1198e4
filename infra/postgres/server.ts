import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import type { Binaries } from "./binaries.ts";
import type { DatabaseUser } from "./databaseUser.ts";

/** A running PostgreSQL that ends with this process, however this process ends. */
export interface PostgresServer {
  readonly port: number;
  readonly pid: number;
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly binaries: Binaries;
  readonly user: DatabaseUser | undefined;
  /** The cluster that `initdb` made. */
  readonly folder: string;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly log: (line: string) => void;
}

/**
 * The shell becomes PostgreSQL, in a session of its own (so that Ctrl-C in the terminal does not reach it), and leaves
 * a watcher that reads a pipe of ours: it ends with us, by SIGKILL too, and then the watcher ends PostgreSQL within 5 s.
 * The watcher keeps the process group's number from being given out again, so that it can hit nobody else. A zombie has
 * ended: in a container it may wait long for somebody to ask.
 */
const KEEPER = `
( read -r _ <&3
  for signal in INT QUIT KILL; do
    kill -$signal $$
    for turn in 1 2 3 4 5 6; do
      kill -0 $$ || exit
      read -r state < /proc/$$/stat
      case $state in *") Z "*) exit ;; esac
      sleep 0.2
    done
  done ) </dev/null >/dev/null 2>&1 &
exec 3<&-
exec "$@"`;

const STOP_MS = 8_000;

export class PortTaken extends Error {
  override name = "PortTaken";
}

/** PostgreSQL found traces of another that may still be ending. */
export class FolderInUse extends Error {
  override name = "FolderInUse";
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

const failure = (output: readonly string[]) => {
  const text = output.join("\n");
  if (/Address already in use|could not create any TCP/.test(text)) return new PortTaken(text);
  if (/still in use|already exists/.test(text)) return new FolderInUse(text);
  return new Error(`PostgreSQL did not start:\n${text}`);
};

async function startOn(
  port: number,
  { binaries, user, folder, settings, log }: ServerOptions,
): Promise<PostgresServer> {
  const all = { listen_addresses: "127.0.0.1", port, unix_socket_directories: "", ...settings };
  const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = spawn("/bin/sh", ["-c", KEEPER, "sh", binaries.postgres, "-D", folder, ...flags], {
    ...user,
    cwd: folder,
    detached: true,
    env: { PATH: process.env.PATH, LC_ALL: "C" },
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  const { pid, stderr } = child;
  if (!pid || !stderr) throw new Error("cannot start /bin/sh");
  child.stdio[3]?.on("error", () => undefined); // the watcher's end is closed by killing it
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));

  const first: string[] = [];
  const ready = new Promise<boolean>((resolve) => {
    createInterface({ input: stderr }).on("line", (line) => {
      log(line);
      if (first.length < 50) first.push(line);
      if (line.includes("database system is ready to accept connections")) resolve(true);
    });
    ended.then(() => resolve(false));
  });
  // With PostgreSQL gone the group holds the watcher alone.
  child.once("exit", () => endGroup(pid));
  if (!(await ready)) throw failure(first);
  return { port, pid, ended, stop: () => stop(pid, ended) };
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

async function stop(pid: number, ended: Promise<void>): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  try {
    process.kill(pid, "SIGINT");
    late = setTimeout(() => endGroup(pid), STOP_MS);
  } catch {
    // it has ended already
  }
  await ended;
  clearTimeout(late);
}

/** Starts PostgreSQL on a free port of the loopback interface. @throws FolderInUse */
export async function startServer(options: ServerOptions): Promise<PostgresServer> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await startOn(await freePort(), options);
    } catch (error) {
      if (!(error instanceof PortTaken) || attempt === 5) throw error;
    }
  }
}
