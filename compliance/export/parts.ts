import type { AccountParts } from "../../accounts/parts.ts";
import type { Holds } from "../../infra/ports/holds.ts";
import type { SecretStore } from "../../infra/ports/secrets.ts";
import type { Sealing } from "../../sealing/sealing.ts";
import type { ProofParts } from "../proof/parts.ts";
import type { ExportsUnderWay } from "./underWay.ts";

/** What exports are made with. */
export interface ExportParts extends ProofParts {
  readonly sealing: Pick<Sealing, "tenantKey" | "seal" | "opening" | "openings" | "open">;
  readonly holds: Pick<Holds, "heldKeys">;
  readonly secrets: Pick<SecretStore, "ledger">;
  readonly accounts: AccountParts;
  readonly underWay: ExportsUnderWay;
}
