import type { AccountParts } from "../accounts/parts.ts";
import type { Holds } from "../infra/ports/holds.ts";
import type { AccessSeals } from "./access/sealAccessLog.ts";
import type { Erasures } from "./erasure/erasures.ts";
import type { ExportsUnderWay } from "./export/underWay.ts";
import type { Retention } from "./retention/retention.ts";

/** What the doors of compliance run on. */
export interface ComplianceParts {
  readonly accounts: AccountParts;
  readonly erasures: Erasures;
  readonly holds: Holds;
  readonly retention: Retention;
  readonly accessSeals: AccessSeals;
  /** Told, for whoever watches the server, that somebody opens a conversation in an emergency. */
  readonly onBreakGlass: (grant: { readonly tenant: string; readonly grantId: string }) => void;
  readonly exports: ExportsUnderWay;
}
