import { hkdfSync } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { v7 as uuidV7 } from "uuid";
import { accountsOf } from "../accounts/accountRows.ts";
import { type Accounts, accountMigrations, createAccounts } from "../accounts/accounts.ts";
import { foundTenant } from "../accounts/foundTenant.ts";
import { defaultLimits, type Engine, type TurnTaken } from "../commands/engine/engine.ts";
import { AccessSeals } from "../compliance/access/sealAccessLog.ts";
import { certifier } from "../compliance/erasure/certificate.ts";
import { destroyPerson } from "../compliance/erasure/destroyPerson.ts";
import { Erasures } from "../compliance/erasure/erasures.ts";
import { erasureSinks } from "../compliance/erasure/sinks.ts";
import { ExportsUnderWay } from "../compliance/export/underWay.ts";
import { complianceMigrations } from "../compliance/migrations.ts";
import type { ComplianceParts } from "../compliance/parts.ts";
import { Retention } from "../compliance/retention/retention.ts";
import { tlogMigrations } from "../compliance/tlog/migrations.ts";
import { projections } from "../projections/all.ts";
import { holdsWhatWasTold } from "../projections/holdsWhatWasTold.ts";
import { createMilestones } from "../projections/milestones.ts";
import { createProjector, type Projector } from "../projections/projector.ts";
import { renewStale } from "../projections/rebuild/renew.ts";
import { peopleReader } from "../read-api/openPeople.ts";
import { createSealing, type RunningSealing, type Sealing } from "../sealing/sealing.ts";
import type { KeyChangeParts } from "../sealing/weeklyKeyChange.ts";
import { systemClock } from "./clock.ts";
import type { Config } from "./config.ts";
import { logMigrations } from "./eventLog/migrations.ts";
import { PostgresEventLog } from "./eventLog/postgresEventLog.ts";
import { RememberedPosition } from "./eventLog/remembered.ts";
import { type InstanceLock, runningInstance, takeInstanceLock } from "./instanceLock.ts";
import { type FileLogSigner, fileLogSigner } from "./keys/fileLogSigner.ts";
import { fileTokenSecret } from "./keys/fileTokenSecret.ts";
import { fileWeekKeys } from "./keys/fileWeekKeys.ts";
import { keysMigrations } from "./keys/migrations.ts";
import { anythingWrapped, postgresSecretStore } from "./keys/postgresSecretStore.ts";
import { lastSeenMigrations } from "./lastSeen.ts";
import { marksNow } from "./marksNow.ts";
import type { Database } from "./ports/database.ts";
import type { Buckets, SecretStore } from "./ports/secrets.ts";
import { openDatabase } from "./postgres/database.ts";
import { startEmbedded } from "./postgres/embedded.ts";
import { type Migration, migrate } from "./postgres/migrate.ts";
import { assertRestored } from "./restoring.ts";
import { postgresSnapshots, snapshotMigrations } from "./snapshots/postgresSnapshots.ts";

/** What a server and an operator's command alike stand on: the log, the keys, deciding, and the read models. */
export interface Foundation {
  readonly config: Config;
  readonly database: Database;
  readonly log: PostgresEventLog;
  readonly sealing: Sealing;
  readonly engine: Engine;
  readonly projector: Projector;
  /** What the weekly change of keys works on. */
  readonly keys: KeyChangeParts & { readonly secrets: SecretStore & Buckets };
  readonly accounts: Accounts;
  /** Of the verifiable log. */
  readonly signer: FileLogSigner;
  /** Erasures, holds, retention; carried out by themselves once they are started. */
  readonly compliance: ComplianceParts;
  /** 32 bytes, the same in every process on the log: what cursors are sealed with. */
  readonly cursorKey: Uint8Array;
  /** Of this process alone; absent where another process holds the data folder and this one came beside it. */
  readonly lock: InstanceLock | undefined;
  readonly databaseUrlFile: string;
  /** Resolves if the folder's own database ends by itself: then nothing can be done here any more. */
  readonly databaseEnded: Promise<void>;
  /** Where the process that holds the folder answers, if it does. */
  readonly beside: string | undefined;
  /** In reverse of how it was started. */
  stop(): Promise<void>;
}

/** All that the database needs but read models, in order. */
export const migrations = (): readonly Migration[] => [
  ...logMigrations(),
  ...keysMigrations(),
  ...accountMigrations(),
  ...complianceMigrations(),
  ...snapshotMigrations,
  ...tlogMigrations(),
  ...lastSeenMigrations,
];

/** Another process holds the data folder, and its database cannot be reached. */
export class FolderBusy extends Error {
  override name = "FolderBusy";
}

export interface Opening {
  readonly config: Config;
  readonly logger: Logger;
  /** A server wants the folder for itself; a command comes beside a running one. */
  readonly alone: boolean;
  /** Accepts that the log ends where it ends, whatever was seen of it before: it gets a new epoch. */
  readonly raiseEpoch?: boolean;
  readonly onTurn?: (turn: TurnTaken) => void;
  readonly onBreakGlass?: () => void;
  readonly say?: (line: string) => void;
  /** In place of sealing, for a benchmark that measures what sealing costs. */
  readonly sealingOver?: (secrets: SecretStore) => RunningSealing;
  /** Rebuilds read models of another version in the background; off for the command that rebuilds them itself. */
  readonly renew?: boolean;
}

const KEYS_TIMEOUT_MS = 5_000;

/** @throws FolderBusy, LogBehind */
export async function openFoundation(opening: Opening): Promise<Foundation> {
  const { config, logger, alone, onTurn, raiseEpoch = false, say = () => {} } = opening;
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const end of stops.reverse().splice(0)) await end();
  };
  try {
    await mkdir(config.dataFolder, { recursive: true, mode: 0o700 });
    await assertRestored(config.dataFolder);
    const reached = await reach(config, logger, alone, say, stops);
    const milestones = createMilestones();
    const database = openDatabase(reached.connection, {
      max: 24,
      applicationName: "scripta",
      admits: (connection) => holdsWhatWasTold(connection, milestones),
    });
    stops.push(() => database.close());
    await migrate(database, migrations());

    const clock = systemClock;
    const warn = (what: string) => (error: unknown) => logger.warn({ err: error }, what);
    const remembered = new RememberedPosition(
      join(config.dataFolder, "log-seen.json"),
      warn("the position that the log was seen at could not be kept"),
    );
    const log = new PostgresEventLog(reached.connection, { clock, remembered });
    stops.push(
      () => log.close(),
      () => remembered.close(),
    );
    if (raiseEpoch) await log.raiseEpoch(remembered.last?.epoch);
    if (remembered.last) await log.assertNotBehind(remembered.last);

    // A link that hangs must not keep waiting what asks for keys: it is told that they are unavailable.
    const keys = openDatabase(reached.connection, {
      max: 8,
      applicationName: "scripta keys",
      queryTimeoutMs: KEYS_TIMEOUT_MS,
    });
    stops.push(() => keys.close());
    const weekKeys = fileWeekKeys(join(config.keysFolder, "week"), clock, anythingWrapped(keys));
    const secrets = postgresSecretStore(keys, weekKeys);
    const sealing = opening.sealingOver?.(secrets) ?? createSealing({ secrets });
    await sealing.start();
    stops.push(() => sealing.stop());

    const head = await log.head();
    const engine: Engine = {
      log,
      sealing,
      clock,
      snapshots: postgresSnapshots(database, await log.epoch()),
      newId: uuidV7,
      accounts: (tenant, userIds) => accountsOf(database, tenant, userIds),
      marks: marksNow(database),
      limits: { ...defaultLimits, groupMembers: config.groupLimit },
      lastRecordedAt: { value: head.recordedAt },
      ...(onTurn ? { onTurn } : {}),
    };
    const projecting = openDatabase(reached.connection, {
      max: 4,
      applicationName: "scripta projector",
      pipelined: true,
    });
    stops.push(() => projecting.close());
    const projector = createProjector({
      log,
      database: projecting,
      projections,
      milestones,
      onProblem: warn("projecting is tried again"),
      onParked: (parked) => logger.error(parked, "a read model parked a stream: see scripta projections"),
    });
    await projector.start();
    stops.push(() => projector.stop());
    if (opening.renew !== false) stops.push(renewing({ log, database, logger }).stop);

    const tokenSecret = await fileTokenSecret(join(config.keysFolder, "token-secret")).load();
    const accounts = createAccounts(
      {
        engine,
        database,
        people: peopleReader({ database, sealing, log, waitFor: projector.waitFor }),
        tokenSecret,
        onTrouble: warn("accounts follow the log again soon"),
      },
      { accessTokenSeconds: config.tokenSeconds, directory: config.directory },
    );
    await accounts.start();
    stops.push(() => accounts.stop());
    await foundTenant(accounts.parts, "main");
    const signer = fileLogSigner(join(config.keysFolder, "tlog"), clock);
    const exports = new ExportsUnderWay();
    const erasures = new Erasures({
      accounts: accounts.parts,
      weekKeys,
      sinks: erasureSinks(accounts.parts, exports),
      destroy: destroyPerson(accounts.parts, secrets),
      certify: certifier({ database, log, signer, name: config.origin }),
      onTrouble: warn("an erasure goes on soon"),
    });
    const retention = new Retention({
      accounts: accounts.parts,
      buckets: secrets,
      onTrouble: warn("retention goes on soon"),
    });
    const accessSeals = new AccessSeals({ engine, database, onTrouble: warn("the access log is sealed soon") });
    stops.push(
      () => accessSeals.stop(),
      () => erasures.stop(),
      () => retention.stop(),
    );
    const onBreakGlass = (grant: { tenant: string; grantId: string }) => {
      logger.warn(grant, "emergency access to a conversation was opened: see scripta access --action break-glass");
      opening.onBreakGlass?.();
    };
    const { lock, databaseUrlFile, databaseEnded = new Promise<void>(() => {}), beside } = reached;
    return {
      config,
      database,
      log,
      sealing,
      engine,
      projector,
      keys: { weekKeys, secrets, clock },
      accounts,
      compliance: { accounts: accounts.parts, erasures, holds: secrets, retention, accessSeals, onBreakGlass, exports },
      signer,
      cursorKey: new Uint8Array(hkdfSync("sha256", tokenSecret, "", "scripta/cursors/v1", 32)),
      lock,
      databaseUrlFile,
      databaseEnded,
      beside,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Read models that another version folded are read as they stand, and rebuilt meanwhile. */
const renewing = ({ log, database, logger }: { log: PostgresEventLog; database: Database; logger: Logger }) =>
  renewStale({
    log,
    database,
    projections,
    onProgress: ({ doing, names, position, head }) =>
      logger.info({ models: names, position, head }, `read models of another version are rebuilt: ${doing}`),
    onRenewed: (models) => logger.info({ models }, "read models were rebuilt"),
    onProblem: (error) => logger.warn({ err: error }, "the rebuild of read models is tried again"),
  });

/**
 * The database: the folder's own, started here or by the process that holds the folder, or one of the operator's.
 * What it took is given back by `stops`, the last first.
 */
export async function reach(
  config: Config,
  logger: Logger,
  alone: boolean,
  say: (line: string) => void,
  stops: (() => Promise<unknown>)[],
) {
  const lock = await lockFolder(config.dataFolder, alone);
  if (lock) {
    stops.push(() => lock.release());
    if (config.postgres) return { lock, connection: config.postgres, databaseUrlFile: "", beside: undefined };
    say("starting PostgreSQL in the data folder");
    const embedded = await startEmbedded({
      dataFolder: config.dataFolder,
      log: (line) => logger.debug({ postgres: line }, "postgres"),
    });
    stops.push(() => embedded.stop());
    const { connection, urlFile: databaseUrlFile, ended: databaseEnded } = embedded;
    return { lock, connection, databaseUrlFile, databaseEnded, beside: undefined };
  }
  const instance = await runningInstance(config.dataFolder);
  if (!instance) throw new FolderBusy(`another process is just starting or ending on ${config.dataFolder}: try again`);
  if (alone)
    throw new FolderBusy(
      `${config.dataFolder} is in use by process ${instance.pid}${instance.address ? `, which answers at ${instance.address}` : ""}`,
    );
  const connection = config.postgres ?? (await readFile(instance.databaseUrlFile, "utf8")).trim();
  return {
    lock: undefined,
    connection,
    databaseUrlFile: instance.databaseUrlFile,
    beside: instance.address ?? undefined,
  };
}

const LOCK_TRIES_MS = 6_000;

/** A killed predecessor's lock is gone with it; a server that is just ending is waited for. */
async function lockFolder(folder: string, alone: boolean): Promise<InstanceLock | undefined> {
  const until = Date.now() + (alone ? LOCK_TRIES_MS : 0);
  for (;;) {
    const lock = await takeInstanceLock(folder);
    if (lock || Date.now() >= until) return lock;
    if ((await runningInstance(folder))?.address) return undefined;
    await new Promise((resume) => setTimeout(resume, 100));
  }
}
