import type { Holds } from "../../infra/ports/holds.ts";
import type { Sealing } from "../../sealing/sealing.ts";
import type { ServedLogParts } from "../tlog/serveLog.ts";

/** What proofs are made with. */
export interface ProofParts extends ServedLogParts {
  readonly sealing: Pick<Sealing, "tenantKey" | "opening" | "seal">;
  readonly holds: Pick<Holds, "heldKeys">;
}
