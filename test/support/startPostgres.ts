import { randomBytes } from "node:crypto";
import { chmod, chown, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { postgresBinaries } from "../../infra/postgres/binaries.ts";
import { makeCluster } from "../../infra/postgres/cluster.ts";
import { databaseUser } from "../../infra/postgres/databaseUser.ts";
import { startServer } from "../../infra/postgres/server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** URL of the run's PostgreSQL, without a database. */
    postgres: string;
  }
}

const SETTINGS = { fsync: "off", full_page_writes: "off", max_connections: 300, shared_buffers: "128MB" };

/** One PostgreSQL for the whole run; it ends with the run, however that ends. */
export default async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  const user = databaseUser();
  const binaries = await postgresBinaries(user);
  const temporary = await mkdtemp(join(tmpdir(), "scripta-test-"));
  await chmod(temporary, 0o755);
  const folder = join(temporary, "postgres");
  await mkdir(folder, { mode: 0o700 });
  if (user) await chown(folder, user.uid, user.gid);

  const password = randomBytes(12).toString("hex");
  await makeCluster(binaries, user, folder, password, { durable: false });
  const output: string[] = [];
  const log = (line: string) => output.push(line) > 200 && output.shift();
  const server = await startServer({ binaries, user, folder, settings: SETTINGS, log });
  project.provide("postgres", `postgres://scripta:${password}@127.0.0.1:${server.port}`);
  return async () => {
    await server.stop();
    await rm(temporary, { recursive: true, force: true });
  };
}
