import { randomBytes } from "node:crypto";
import { v7 } from "uuid";
import { accountsOf } from "../../accounts/accountRows.ts";
import { type AccountSettings, accountMigrations, createAccounts } from "../../accounts/accounts.ts";
import { Login } from "../../accounts/doors/login.ts";
import { Register } from "../../accounts/doors/register.ts";
import { bootstrapAdmin, foundTenant } from "../../accounts/foundTenant.ts";
import { defaultLimits, type Engine } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import { logMigrations } from "../../infra/eventLog/migrations.ts";
import { PostgresEventLog } from "../../infra/eventLog/postgresEventLog.ts";
import { memorySecretStore } from "../../infra/keys/memorySecretStore.ts";
import type { Identity } from "../../infra/ports/identity.ts";
import { noSnapshots } from "../../infra/ports/snapshots.ts";
import { migrate } from "../../infra/postgres/migrate.ts";
import { peopleReader } from "../../read-api/openPeople.ts";
import { createSealing } from "../../sealing/sealing.ts";
import { type FreshDatabase, freshDatabase } from "./postgres.ts";
import { startProjector } from "./readModels.ts";

/** What processes of one installation share. */
export interface Installation {
  readonly db: FreshDatabase;
  readonly tokenSecret: Uint8Array;
  readonly secrets: ReturnType<typeof memorySecretStore>;
}

export async function newInstallation(): Promise<Installation> {
  const db = await freshDatabase();
  await migrate(db.database, [...logMigrations(), ...accountMigrations()]);
  return { db, tokenSecret: randomBytes(32), secrets: memorySecretStore() };
}

/** One process: log, read models and accounts, with the tenant `main` and whatever clock it is given. */
export async function startAccounts(
  installation: Installation,
  settings: AccountSettings & { clock?: () => number } = {},
) {
  const { clock: now = Date.now, ...accountSettings } = settings;
  const { db, tokenSecret, secrets } = installation;
  const { database } = db;
  const log = new PostgresEventLog(db.url);
  const sealing = createSealing({ secrets });
  await sealing.start();
  const engine: Engine = {
    log,
    sealing,
    clock: { now },
    snapshots: noSnapshots,
    newId: v7,
    accounts: (tenant, ids) => accountsOf(database, tenant, ids),
    marks: async () => new Map(),
    limits: defaultLimits,
    lastRecordedAt: { value: 0 },
  };
  const projector = await startProjector(log, database);
  const people = peopleReader({ database, sealing, log, waitFor: projector.waitFor });
  const accounts = createAccounts(
    { engine, database, people, tokenSecret, onTrouble: (error) => projector.problems.push(error) },
    { passwords: { cost: 10 }, ...accountSettings },
  );
  await accounts.start();
  const { parts, sessions } = accounts;
  const founded = await foundTenant(parts, "main");
  if (founded) throw new Error(founded.detail);

  const anyone = (more: Partial<By> = {}): By => ({
    tenant: "",
    userId: "",
    deviceId: null,
    roles: [],
    guest: false,
    now: new Date(now()),
    address: "192.0.2.7",
    correlationId: "test",
    ...more,
  });

  return {
    parts,
    sessions,
    /** From here on the process hears nothing from the log. */
    deafen: () => accounts.stop(),
    raiseEpoch: () => log.raiseEpoch(),
    engine,
    projector,
    anyone,
    /** A new person with one signed-in device. */
    async person(username: string, tenant = "main") {
      const registration = { username, password: passwordOf(username), displayName: username, tenant };
      done(await Register.run(registration, anyone(), parts));
      return this.login(username, tenant);
    },
    async login(username: string, tenant = "main", password = passwordOf(username)) {
      const device = { name: `${username}'s phone`, platform: "test" };
      return done(await Login.run({ username, password, device, tenant }, anyone(), parts));
    },
    async admin(username = "root") {
      const made = await bootstrapAdmin(parts, "main", { username, password: passwordOf(username) });
      if (made === "there is one" || isRejection(made)) throw new Error(JSON.stringify(made));
      return this.login(username);
    },
    /** The caller of doors that a token makes. */
    async by(accessToken: string, more: Partial<By> = {}): Promise<By> {
      const identity = accepted(await sessions.authenticate(accessToken));
      const { tenant, userId, deviceId, roles, guest } = identity;
      return anyone({ tenant, userId, deviceId, roles, guest, ...more });
    },
    isIn: async (accessToken: string): Promise<boolean> => !isRejection(await sessions.authenticate(accessToken)),
    settle: async () => {
      if (!(await people.settled())) throw new Error("the read models do not come to the log's head");
    },
    async stop() {
      await accounts.stop();
      await projector.stop();
      await sealing.stop();
      await log.close();
    },
  };
}

export const passwordOf = (username: string): string => `the password of ${username}`;

export function done<Body>(outcome: { readonly body: Body } | Rejection): Body {
  if (isRejection(outcome)) throw new Error(`refused: ${JSON.stringify(outcome)}`);
  return outcome.body;
}

export function accepted(outcome: Identity | Rejection): Identity {
  if (isRejection(outcome)) throw new Error(`refused: ${JSON.stringify(outcome)}`);
  return outcome;
}

/** Waits for a condition, at most 5 s. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 5_000;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within 5 s: ${what}`);
    await new Promise((resume) => setTimeout(resume, 10));
  }
}
