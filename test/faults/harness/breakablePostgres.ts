import { randomBytes } from "node:crypto";
import { chmod, chown, cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { postgresBinaries } from "../../../infra/postgres/binaries.ts";
import { makeCluster } from "../../../infra/postgres/cluster.ts";
import { openDatabase } from "../../../infra/postgres/database.ts";
import { databaseUser } from "../../../infra/postgres/databaseUser.ts";
import { type PostgresServer, startServer } from "../../../infra/postgres/server.ts";

/** A PostgreSQL of a test's own, that may end, die, come back, and go back to how it was. */
export interface BreakablePostgres {
  /** Of the database `scripta`, where it answers now. */
  url(): string;
  /** As an administrator stops it: `fast` breaks connections and writes all down, `kill` writes nothing. */
  stop(how: "fast" | "kill"): Promise<void>;
  start(): Promise<void>;
  /** Copies all its files while it is stopped; gives the way to put them back, while it is stopped again. */
  keep(): Promise<() => Promise<void>>;
  remove(): Promise<void>;
}

// Killed processes lose nothing that the kernel has; only a power cut would tell fsync from none.
const SETTINGS = { fsync: "off", max_connections: 300, shared_buffers: "64MB", jit: "off", timezone: "UTC" };

/** @param below an existing folder to put it in, such as that of a small file system; a temporary one by default */
export async function breakablePostgres(below?: string): Promise<BreakablePostgres> {
  const user = databaseUser();
  const binaries = await postgresBinaries(user);
  const temporary = below ?? (await mkdtemp(join(tmpdir(), "scripta-faults-")));
  await chmod(temporary, 0o755);
  const folder = join(temporary, "postgres");
  await mkdir(folder, { mode: 0o700 });
  if (user) await chown(folder, user.uid, user.gid);
  const password = randomBytes(12).toString("hex");
  await makeCluster(binaries, user, folder, password, { durable: false });
  let server: PostgresServer | undefined;
  const urlOf = (database: string) => `postgres://scripta:${password}@127.0.0.1:${server?.port ?? 0}/${database}`;
  const postgres: BreakablePostgres = {
    url: () => urlOf("scripta"),
    async stop(how) {
      const running = server;
      server = undefined;
      if (!running) return;
      if (how === "fast") return running.stop();
      process.kill(running.pid, "SIGKILL");
      await running.ended;
    },
    async start() {
      server ??= await startServer({ binaries, user, folder, settings: SETTINGS, log: () => undefined });
    },
    async keep() {
      const kept = `${folder}.kept`;
      await copy(folder, kept);
      return async () => {
        await rm(folder, { recursive: true });
        await copy(kept, folder);
      };
    },
    async remove() {
      await server?.stop();
      if (below === undefined) await rm(temporary, { recursive: true, force: true, maxRetries: 10 });
    },
  };
  await postgres.start();
  const admin = openDatabase(urlOf("postgres"), { max: 1 });
  await admin.query("create database scripta");
  await admin.close();
  return postgres;

  async function copy(from: string, to: string): Promise<void> {
    await cp(from, to, { recursive: true, preserveTimestamps: true });
    if (user) await chownAll(to, user.uid, user.gid);
  }
}

async function chownAll(folder: string, uid: number, gid: number): Promise<void> {
  const { execFile } = await import("node:child_process");
  const { promisify } = await import("node:util");
  await promisify(execFile)("chown", ["-R", `${uid}:${gid}`, folder]);
  await chmod(folder, 0o700);
}
