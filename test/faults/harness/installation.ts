import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { apiOf } from "../../support/apiClient.ts";
import { startServer, type TestServer } from "../../support/server.ts";
import { check } from "../checker/check.ts";
import type { History, LogEntry } from "../checker/history.ts";
import type { Violation } from "../checker/violation.ts";
import { type Actor, actor, type Identity } from "./actor.ts";
import { type BreakablePostgres, breakablePostgres } from "./breakablePostgres.ts";
import { type DatabaseLink, databaseLink } from "./databaseLink.ts";
import { openForEvidence, readLog, replayed } from "./evidence.ts";
import { type RecordedDevice, recordedDevice } from "./recordedDevice.ts";
import { createRecorder, type Recorder } from "./recorder.ts";

/** A process of the real program, which may be killed and started again at the same address. */
export interface Service {
  url(): string;
  process(): TestServer;
  kill(): Promise<void>;
  /** As Ctrl-C ends it. */
  stop(): Promise<void>;
  /** Again, on the same folder and port. */
  start(environment?: Readonly<Record<string, string>>): Promise<void>;
}

/** Real processes on a real PostgreSQL behind a link that can be broken, with everything taken down for the checker. */
export interface Installation {
  readonly postgres: BreakablePostgres;
  readonly link: DatabaseLink;
  readonly recorder: Recorder;
  readonly keysFolder: string;
  service(environment?: Readonly<Record<string, string>>): Promise<Service>;
  /** A new person. `at` tells where they are served. */
  person(name: string, at: Service): Promise<Identity & Actor>;
  device(who: Identity, name: string): RecordedDevice;
  /** The log as it lies there, whether anybody serves it or not. */
  log(): Promise<LogEntry[]>;
  /** What was taken down, with the log and the replay of it; all must have come to rest. */
  history(): Promise<History>;
  judge(): Promise<Violation[]>;
  /** Stops the database, and starts it again where the link finds it. */
  restartDatabase(how: "fast" | "kill", meanwhile?: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

export async function installation(
  environment: Readonly<Record<string, string>> = {},
  postgresBelow?: string,
): Promise<Installation> {
  const postgres = await breakablePostgres(postgresBelow);
  const link = await databaseLink(postgres.url());
  const recorder = createRecorder();
  const folder = await mkdtemp(join(tmpdir(), "scripta-faults-"));
  const keysFolder = join(folder, "keys");
  const services: Service[] = [];
  const devices: RecordedDevice[] = [];

  async function service(own: Readonly<Record<string, string>> = {}): Promise<Service> {
    const settings = {
      SCRIPTA_POSTGRES: link.url,
      SCRIPTA_KEYS: keysFolder,
      SCRIPTA_DATA: join(folder, `data-${services.length}`),
      ...environment,
      ...own,
    };
    let server = await startServer(settings);
    const { port } = new URL(server.url);
    const it: Service = {
      url: () => server.url,
      process: () => server,
      kill: () => server.kill(),
      stop: async () => void (await server.stop()),
      start: async (more = {}) => {
        server = await startServer({ ...settings, SCRIPTA_PORT: port, ...more });
      },
    };
    services.push(it);
    return it;
  }

  async function log(): Promise<LogEntry[]> {
    const database = openForEvidence(postgres.url());
    return readLog(database).finally(() => database.close());
  }

  async function history(): Promise<History> {
    const readModels = await replayed(postgres.url());
    const { attempts, sightings, readings } = recorder;
    return { attempts, sightings, readings, devices: recorder.devices, log: await log(), readModels };
  }

  return {
    postgres,
    link,
    recorder,
    keysFolder,
    service,
    async person(name, at) {
      const { userId, token } = await apiOf(at.url()).person(name);
      return actor(recorder, { userId, token }, () => at.url());
    },
    device(who, name) {
      const device = recordedDevice(recorder, who, name);
      devices.push(device);
      return device;
    },
    log,
    history,
    judge: async () => check(await history()),
    async restartDatabase(how, meanwhile) {
      link.down(true);
      await postgres.stop(how);
      await meanwhile?.();
      await postgres.start();
      link.retarget(postgres.url());
      link.down(false);
    },
    async close() {
      for (const device of devices) device.close();
      for (const one of services) await one.process().kill();
      link.close();
      await postgres.remove();
      await rm(folder, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}
