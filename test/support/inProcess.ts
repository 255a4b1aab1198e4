import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readConfig } from "../../infra/config.ts";
import { createLogger, type Running, startScripta } from "../../infra/main.ts";
import { freshDatabase } from "./postgres.ts";

/**
 * The whole server in this process, on a fresh database of the run's PostgreSQL and any free port, without rate limits:
 * for what speaks HTTP and WebSocket and kills nothing.
 * @param byWayOf gives where the server finds the database: itself, or a link to it that can break
 */
export async function startInProcess(
  environment: Readonly<Record<string, string>> = {},
  byWayOf: (databaseUrl: string) => string | Promise<string> = (url) => url,
): Promise<{ url: string; dataFolder: string; running: Running; stop(): Promise<void> }> {
  const db = await freshDatabase();
  const dataFolder = await mkdtemp(join(tmpdir(), "scripta-in-process-"));
  const config = readConfig({
    SCRIPTA_PORT: "0",
    SCRIPTA_RATE_LIMITS: "off",
    SCRIPTA_LOG_LEVEL: "error",
    ...environment,
    SCRIPTA_DATA: dataFolder,
    SCRIPTA_POSTGRES: await byWayOf(db.url),
  });
  const running = await startScripta({ config, logger: createLogger(config.logLevel) });
  return {
    url: running.address,
    dataFolder,
    running,
    async stop() {
      await running.stop();
      await db.drop();
      await rm(dataFolder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
