import type { Logger } from "pino";
import type { ExportParts } from "../compliance/export/parts.ts";
import type { ProofParts } from "../compliance/proof/parts.ts";
import { createSequencer, type Sequencer } from "../compliance/tlog/sequencer.ts";
import type { ServedLogParts } from "../compliance/tlog/serveLog.ts";
import { Witnessing } from "../compliance/tlog/witnessing.ts";
import type { Foundation } from "./foundation.ts";

/** What serving the verifiable log stands on. */
export const servedLog = ({ config, database, log, sealing, signer }: Foundation): ServedLogParts => ({
  database,
  log,
  sealing,
  signer,
  name: config.origin,
});

/** What proofs stand on. */
export const proofParts = (foundation: Foundation): ProofParts => ({
  ...servedLog(foundation),
  sealing: foundation.sealing,
  holds: foundation.compliance.holds,
});

/** What exports stand on. */
export const exportParts = (foundation: Foundation): ExportParts => ({
  ...proofParts(foundation),
  sealing: foundation.sealing,
  secrets: foundation.keys.secrets,
  accounts: foundation.accounts.parts,
  underWay: foundation.compliance.exports,
});

/** Follows the log and signs how far it came, until stopped. */
export function startSequencer(foundation: Foundation, logger: Logger): Pick<Sequencer, "stop"> {
  const witnessing = new Witnessing({
    witnesses: foundation.config.witnesses,
    database: foundation.database,
    onProblem: (error) =>
      logger.warn({ err: error }, "a checkpoint goes without a cosignature; its witness is asked again"),
  });
  const sequencer = createSequencer({
    ...servedLog(foundation),
    onSigned: (checkpoint) => witnessing.offer(checkpoint),
    onProblem: (error) => logger.warn({ err: error }, "the verifiable log follows again soon"),
    onRefused: (refusal) =>
      logger.error({ err: refusal }, "the verifiable log is signed no more: what lies in the database was altered"),
  });
  sequencer.start();
  return {
    async stop() {
      await sequencer.stop();
      await witnessing.stop();
    },
  };
}
