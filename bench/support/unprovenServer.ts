import { readConfig } from "../../infra/config.ts";
import { createLogger, startScripta } from "../../infra/main.ts";
import { plainSealing } from "./plainSealing.ts";

/** Scripta without sealing and without the verifiable log: a program of its own, so that no setting can turn them off. */
const config = readConfig(process.env);
const running = await startScripta({
  config,
  logger: createLogger(config.logLevel),
  unproven: { sealingOver: plainSealing },
});
process.stdout.write(`address  ${running.address}\n`);
process.once("SIGTERM", () => void running.stop().then(() => process.exit(0)));
