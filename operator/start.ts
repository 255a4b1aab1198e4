import { createLogger, type Running, startScripta } from "../infra/main.ts";
import { VERSION } from "../infra/version.ts";
import { exitCodes } from "./exitCodes.ts";
import { configured, type SettingFlags } from "./settings.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** npm passes on the Ctrl-C that the terminal has given already. */
const SAME_CTRL_C_MS = 1_000;
const DRAINED_MS = 30_000;

/** Runs a server until it is told to stop. Resolves with the exit code. */
export async function startCommand(flags: SettingFlags): Promise<number> {
  const config = configured(flags);
  const say = (line: string) => process.stdout.write(`${line}\n`);
  const stopping = stopSignals(say);
  try {
    const startedAt = performance.now();
    const running = await startScripta({ config, logger: createLogger(config.logLevel), say });
    if (!stopping.asked) say(await greeting(running, performance.now() - startedAt));
    const lost = running.foundation.databaseEnded.then(() => "lost" as const);
    if ((await Promise.race([stopping.wish, lost])) === "lost") {
      process.stderr.write("scripta: its database ended by itself, so it ends, too: start it again\n");
      process.exit(exitCodes.failed);
    }
    const overdue = setTimeout(() => {
      process.stderr.write(`scripta: not drained within ${DRAINED_MS / 1000} s, so it ends as it is\n`);
      process.exit(exitCodes.failed);
    }, DRAINED_MS);
    await running.stop();
    clearTimeout(overdue);
    say("Stopped.");
    return exitCodes.done;
  } finally {
    stopping.forget();
  }
}

function stopSignals(say: (line: string) => void) {
  const { promise: wish, resolve } = Promise.withResolvers<void>();
  let askedAt = 0;
  const heard = () => {
    const now = performance.now();
    if (askedAt === 0) {
      askedAt = now;
      say("Draining: what was taken is answered, then all of it ends …");
      resolve();
    } else if (now - askedAt > SAME_CTRL_C_MS) {
      say(
        `Still draining (at most ${DRAINED_MS / 1000} s). Nothing is lost if you kill process ${process.pid} instead.`,
      );
    }
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  return {
    wish,
    get asked() {
      return askedAt > 0;
    },
    forget() {
      for (const signal of SIGNALS) process.off(signal, heard);
    },
  };
}

async function greeting({ address, foundation }: Running, tookMs: number): Promise<string> {
  const { config, database } = foundation;
  const { rows } = await database.query<{ any: boolean }>(
    "select exists(select from accounts.accounts where tenant = 'main' and registered_at is not null) as any",
  );
  const firstAccount = [
    "",
    "  Nobody has an account yet. Make the first:",
    `    curl ${address}/api/v1/auth/register -H 'Content-Type: application/json' \\`,
    `      -d '{"username": "ada", "password": "correct horse", "displayName": "Ada"}'`,
    "  or, for an administrator, start again with SCRIPTA_BOOTSTRAP_ADMIN=<username>:<password>.",
    "  Then chat: npx scripta chat --user ada",
  ];
  return [
    "",
    `Scripta ${VERSION} is ready (${(tookMs / 1000).toFixed(1)} s).`,
    "",
    `  address   ${address}   the API is described at ${address}/docs`,
    `  data      ${config.dataFolder}`,
    ...(config.postgres ? ["  database  the PostgreSQL of SCRIPTA_POSTGRES"] : []),
    "  stop      Ctrl-C",
    ...(rows[0]?.any ? [] : firstAccount),
    "",
  ].join("\n");
}
