import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import type { Config } from "../infra/config.ts";
import type { Foundation } from "../infra/foundation.ts";
import { runningInstance } from "../infra/instanceLock.ts";
import { exitCodes } from "./exitCodes.ts";
import { onFolder } from "./onFolder.ts";
import { print } from "./print.ts";
import { readModels } from "./readModels.ts";
import { configured, type SettingFlags } from "./settings.ts";

/** One thing that was looked at. */
interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** What was found; where it is not ok, what to do. */
  readonly found: string;
}

const DAY_MS = 86_400_000;
const LITTLE_SPACE_BYTES = 1024 ** 3;
const OLDEST_POSTGRES = 150_000;
/** A new week key is made after six days and a day's delay at most. */
const OLD_KEY_DAYS = 8;
const CATCH_UP_MS = 5_000;
const ANSWER_MS = 5_000;

/** Says what is configured, reachable and behind. Exit code 1 if something is wrong. */
export async function doctorCommand(flags: SettingFlags & { readonly json?: boolean }): Promise<number> {
  const config = configured(flags);
  const { findings: outside, usable } = await folder(config);
  const findings = [configuration(config), ...outside];
  if (usable) findings.push(...(await running(config)), ...(await inside(flags)));
  const ok = findings.every((finding) => finding.ok);
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings.map((one) => `${one.ok ? "ok  " : "BAD "} ${one.what.padEnd(width)}  ${one.found}`);
  print({ ok, findings }, flags.json, [...lines, "", ok ? "All is well." : "Something is wrong."]);
  return ok ? exitCodes.done : exitCodes.failed;
}

const configuration = (config: Config): Finding => ({
  what: "configuration",
  ok: true,
  found: [
    `listens on ${config.host}:${config.port}`,
    config.postgres ? `PostgreSQL at ${new URL(config.postgres).host}` : "embedded PostgreSQL",
    `rate limits ${config.rateLimits ? "on" : "OFF"}`,
    `directory ${config.directory}`,
    `log level ${config.logLevel}`,
  ].join(", "),
});

/** `usable`: what lies in it can be looked at. */
async function folder({ dataFolder }: Config): Promise<{ findings: Finding[]; usable: boolean }> {
  try {
    const { mode } = await stat(dataFolder);
    await access(dataFolder, constants.R_OK | constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(dataFolder);
    const free = bavail * bsize;
    // To enter is what the user of an embedded database may have to; to read or write is not.
    const open = (mode & 0o066) !== 0;
    const room = free >= LITTLE_SPACE_BYTES;
    return {
      findings: [
        {
          what: "data folder",
          ok: !open,
          found: open ? `${dataFolder} can be read by others: chmod go-rw ${dataFolder}` : dataFolder,
        },
        { what: "disk", ok: room, found: `${(free / 1024 ** 3).toFixed(1)} GiB free${room ? "" : ": make room"}` },
      ],
      usable: room,
    };
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    const found = missing ? `${dataFolder} is not there yet: scripta start makes it` : `${dataFolder}: ${said(error)}`;
    return { findings: [{ what: "data folder", ok: false, found }], usable: false };
  }
}

async function running({ dataFolder }: Config): Promise<Finding[]> {
  const instance = await runningInstance(dataFolder);
  if (!instance?.address) return [{ what: "server", ok: true, found: "none runs on this folder" }];
  const where = `process ${instance.pid} at ${instance.address}`;
  try {
    const answer = await fetch(`${instance.address}/health/ready`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const found = answer.ok ? `${where} is ready` : `${where} is not ready: ${await answer.text()}`;
    return [{ what: "server", ok: answer.ok, found }];
  } catch (error) {
    return [{ what: "server", ok: false, found: `${where} does not answer: ${said(error)}` }];
  }
}

async function inside(flags: SettingFlags): Promise<Finding[]> {
  try {
    return await onFolder(flags, async (foundation) => [
      ...(await database(foundation)),
      ...(await log(foundation)),
      ...(await keys(foundation)),
    ]);
  } catch (error) {
    return [{ what: "log", ok: false, found: said(error) }];
  }
}

async function database({ database: db }: Foundation): Promise<Finding[]> {
  const { rows } = await db.query<{ version: string; number: number; fsync: string; commit: string; bytes: number }>(
    `select current_setting('server_version') as version, current_setting('server_version_num')::int as number,
       current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
       pg_database_size(current_database()) as bytes`,
  );
  return rows.flatMap(({ version, number, fsync, commit, bytes }) => [
    {
      what: "PostgreSQL",
      ok: number >= OLDEST_POSTGRES,
      found: `${version}, ${(bytes / 1024 ** 2).toFixed(0)} MiB${number >= OLDEST_POSTGRES ? "" : ": 15 or newer is needed"}`,
    },
    {
      what: "durability",
      ok: fsync === "on" && commit !== "off",
      found: `fsync ${fsync}, synchronous_commit ${commit}`,
    },
  ]);
}

async function log(foundation: Foundation): Promise<Finding[]> {
  const { log: events, projector } = foundation;
  const [epoch, { position }] = await Promise.all([events.epoch(), events.head()]);
  await projector.waitFor(position, CATCH_UP_MS);
  const { models, parked } = await readModels(foundation);
  return [
    { what: "log", ok: true, found: `epoch ${epoch}, head at position ${position}` },
    ...models.map((model) => ({
      what: `read model ${model.name}`,
      ok: model.position >= position,
      found: model.position >= position ? "at the head" : `at ${model.position}, ${position - model.position} behind`,
    })),
    ...parked.map(({ schema, stream, error }) => ({
      what: `read model ${schema}`,
      ok: false,
      found: `${stream} is parked (${error}): once that is mended, scripta projections unpark ${schema} ${stream}`,
    })),
  ];
}

async function keys({ keys: { weekKeys, secrets, clock } }: Foundation): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const tenant of await secrets.tenants()) {
    const all = await weekKeys.list(tenant);
    const days = (clock.now() - Math.max(...all.map(({ madeAt }) => madeAt))) / DAY_MS;
    const ok = all.length > 0 && days < OLD_KEY_DAYS;
    const found =
      all.length === 0
        ? "no week key: what is sealed cannot be opened until it is put back"
        : `${all.length} week keys, the newest ${Math.max(0, days).toFixed(1)} days old${ok ? "" : ": scripta keys rotate"}`;
    findings.push({ what: `keys of ${tenant}`, ok, found });
  }
  return findings;
}

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));
