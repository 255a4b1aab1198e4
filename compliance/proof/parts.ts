import type { Holds } from "../../infra/ports/holds.ts";
import type { ServedLogParts } from "../tlog/serveLog.ts";

/** What proofs are made with. */
export interface ProofParts extends ServedLogParts {
  readonly holds: Pick<Holds, "heldKeys">;
}
