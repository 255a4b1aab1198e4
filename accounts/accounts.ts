import { hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Engine } from "../commands/index.ts";
import type { Database } from "../infra/ports/database.ts";
import { createAdministrators } from "./administrators.ts";
import { Follower } from "./follower.ts";
import type { AccountParts, Directory } from "./parts.ts";
import { createPasswords, type PasswordSettings } from "./passwords.ts";
import type { People } from "./people.ts";
import { createAccessTokens } from "./sessions/accessTokens.ts";
import { createRefreshTokens } from "./sessions/refreshTokens.ts";
import { type SessionSettings, Sessions } from "./sessions/sessions.ts";
import { createSignInFailures } from "./signInFailures.ts";
import { Successions } from "./successions.ts";
import { createTenants } from "./tenants.ts";

const sql = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");

export const accountMigrations = () => [
  { name: "accounts/0001", sql: sql("./schema.sql") },
  { name: "accounts/0002-successions", sql: sql("./successions.sql") },
];

export interface AccountSettings {
  readonly accessTokenSeconds?: number;
  readonly deviceIdleDays?: number;
  readonly directory?: Directory;
  readonly passwords?: PasswordSettings;
  readonly sessions?: SessionSettings;
}

export interface Accounts {
  readonly parts: AccountParts;
  readonly sessions: Sessions;
  /** Resolves when what other processes did, and what was left undone here, is accounted for. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @param tokenSecret 32 bytes, the same in every process that serves the log */
export function createAccounts(
  given: {
    readonly engine: Engine;
    readonly database: Database;
    readonly people: People;
    readonly tokenSecret: Uint8Array;
    /** Told when the log cannot be followed. It is tried again by itself. */
    readonly onTrouble: (error: unknown) => void;
  },
  settings: AccountSettings = {},
): Accounts {
  const { engine, database, people, tokenSecret, onTrouble } = given;
  const { clock, log } = engine;
  const keyFor = (purpose: string) =>
    new Uint8Array(hkdfSync("sha256", tokenSecret, "", JSON.stringify(["scripta", purpose, "v1"]), 32));
  const accessTokens = createAccessTokens(keyFor("access-token"), settings.accessTokenSeconds ?? 15 * 60);
  const sessions = new Sessions({ database, tokens: accessTokens, clock }, settings.sessions);
  const successions = new Successions({ engine, database, people, onTrouble });
  const follower = new Follower({ database, log, clock, sessions, successions, onTrouble });
  return {
    parts: {
      engine,
      database,
      people,
      passwords: createPasswords(settings.passwords),
      accessTokens,
      refreshTokens: createRefreshTokens(keyFor("refresh-token")),
      sessions,
      administrators: createAdministrators({ database, log, follower }),
      successions,
      failures: createSignInFailures({ database, clock, key: keyFor("sign-in-failures") }),
      tenants: createTenants(database),
      directory: settings.directory ?? "exact",
      deviceIdleDays: settings.deviceIdleDays ?? 90,
    },
    sessions,
    async start() {
      await follower.start();
      successions.start();
    },
    async stop() {
      await follower.stop();
      await successions.stop();
    },
  };
}
