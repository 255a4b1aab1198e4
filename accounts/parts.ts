import type { Engine } from "../commands/index.ts";
import type { Database } from "../infra/ports/database.ts";
import type { Administrators } from "./administrators.ts";
import type { Passwords } from "./passwords.ts";
import type { People } from "./people.ts";
import type { AccessTokens } from "./sessions/accessTokens.ts";
import type { RefreshTokens } from "./sessions/refreshTokens.ts";
import type { Sessions } from "./sessions/sessions.ts";
import type { SignInFailures } from "./signInFailures.ts";
import type { Successions } from "./successions.ts";
import type { Tenants } from "./tenants.ts";

/** Whether people can be found by their exact name, or not at all. */
export type Directory = "exact" | "none";

/** What the doors of accounts run on. */
export interface AccountParts {
  readonly engine: Engine;
  readonly database: Database;
  readonly people: People;
  readonly passwords: Passwords;
  readonly accessTokens: AccessTokens;
  readonly refreshTokens: RefreshTokens;
  readonly sessions: Sessions;
  readonly administrators: Administrators;
  readonly successions: Successions;
  readonly failures: SignInFailures;
  readonly tenants: Tenants;
  readonly directory: Directory;
  /** Days after which a device that did not renew its tokens signs in anew. */
  readonly deviceIdleDays: number;
}
