import { createSecretKey } from "node:crypto";
import type { AddressInfo } from "node:net";
import { type Logger, pino } from "pino";
import { byTenant } from "../accounts/byTenant.ts";
import { bootstrapAdmin } from "../accounts/foundTenant.ts";
import { openAccounts } from "../accounts/list.ts";
import { marksOf, openCommands } from "../commands/index.ts";
import { Approvals } from "../compliance/approvals/approvals.ts";
import { openExports } from "../compliance/export/list.ts";
import { openCompliance } from "../compliance/list.ts";
import { openProofs } from "../compliance/proof/list.ts";
import { isRejection } from "../domain/rejection.ts";
import { Escalations } from "../effects/escalations.ts";
import { createCursors } from "../read-api/cursors.ts";
import { openQueries } from "../read-api/list.ts";
import type { ReadParts } from "../read-api/parts.ts";
import { changeSource } from "../read-api/sync/changeSource.ts";
import { Gateway } from "../realtime/gateway.ts";
import { changeWeekKeys } from "../sealing/weeklyKeyChange.ts";
import { type Config, ConfigurationFault } from "./config.ts";
import { type Foundation, type Opening, openFoundation } from "./foundation.ts";
import { clientAddress } from "./http/clientAddress.ts";
import { addDocuments } from "./http/documents.ts";
import { endingOf } from "./http/ending.ts";
import { addHealth } from "./http/health.ts";
import { realtimeRoute } from "./http/realtime.ts";
import { outageRejection } from "./http/refusal.ts";
import { createHttpServer } from "./http/server.ts";
import { addVerifiableLog, isOnLoopback } from "./http/verifiableLog.ts";
import { lastSeenIn } from "./lastSeen.ts";
import { createMetrics } from "./metrics.ts";
import { memoryRateLimits, unlimited } from "./rateLimits.ts";
import { exportParts, proofParts, servedLog, startSequencer } from "./verifiableLog.ts";
import { VERSION } from "./version.ts";

/** A server that answers. */
export interface Running {
  /** Such as `http://127.0.0.1:8080`. */
  readonly address: string;
  readonly foundation: Foundation;
  /** Drains: sockets are told to resume elsewhere, what was taken is answered, then all of it ends. */
  stop(): Promise<void>;
}

export interface Starting {
  readonly config: Config;
  readonly logger: Logger;
  readonly say?: (line: string) => void;
  /** For a benchmark that measures what sealing and the verifiable log cost: a server without either. */
  readonly unproven?: Required<Pick<Opening, "sealingOver">>;
}

/** Starts the whole of Scripta in this process. */
export async function startScripta({ config, logger, say = () => {}, unproven }: Starting): Promise<Running> {
  const metrics = createMetrics();
  const foundation = await openFoundation({
    config,
    logger,
    alone: true,
    onTurn: metrics.turn,
    onBreakGlass: metrics.brokeGlass,
    say,
    ...unproven,
  });
  // In reverse of how it was started, whether all of it was or not.
  const stops: (() => unknown)[] = [foundation.stop];
  const stop = async () => {
    for (const end of stops.reverse().splice(0)) await end();
  };
  try {
    const { accounts, engine, projector } = foundation;
    await makeFirstAdmin(foundation, logger);
    const read: ReadParts = {
      database: foundation.database,
      sealing: foundation.sealing,
      cursors: createCursors(createSecretKey(foundation.cursorKey), await foundation.log.epoch()),
    };
    const rateLimits = config.rateLimits ? memoryRateLimits() : unlimited;
    const doors = [
      ...openAccounts(accounts.parts),
      ...openCommands(engine),
      ...openQueries(read),
      ...openCompliance(foundation.compliance),
      ...openProofs(proofParts(foundation)),
      ...openExports(exportParts(foundation)),
    ];
    const lastSeen = lastSeenIn(foundation.database, (error) => logger.warn({ err: error }, "last seen was not kept"));
    stops.push(lastSeen.stop, () => marksOf(engine).drain());
    const gateway = new Gateway({
      commands: doors,
      identities: accounts.sessions,
      rateLimits,
      source: changeSource(read),
      projector,
      settled: accounts.parts.people.settled,
      now: engine.clock.now,
      newId: engine.newId,
      lastSeen,
      mostStrangers: config.rateLimits ? SOCKETS_BEFORE_HELLO : Number.POSITIVE_INFINITY,
      problem: (error) => logger.error({ err: error }, "the gateway met a problem"),
      outage: (error) => outageRejection(error, (what) => logger.error({ err: error }, `a command failed: ${what}`)),
    });
    const addressOf = clientAddress(config.trustedProxies);
    const realtime = realtimeRoute(gateway, config.allowedOrigins, addressOf);
    const app = await createHttpServer({
      doors,
      identities: accounts.sessions,
      rateLimits,
      waitFor: projector.waitFor,
      told: () => gateway.told(),
      addressOf,
      mayUpgrade: realtime.mayUpgrade,
      now: () => new Date(engine.clock.now()),
      logger,
    });
    stops.push(endingOf(app));
    gateway.start();
    foundation.compliance.erasures.start();
    foundation.compliance.retention.start();
    foundation.compliance.accessSeals.start();
    stops.push(startApprovals(foundation, logger));
    stops.push(() => gateway.drain());
    if (!unproven) stops.push(startSequencer(foundation, logger).stop);
    stops.push(startEscalations(foundation, logger));
    const keyChange = setInterval(() => void changeKeys(foundation, logger), KEY_CHANGE_EVERY_MS);
    stops.push(() => clearInterval(keyChange));
    void changeKeys(foundation, logger);
    metrics.observe({ foundation, gateway });
    realtime.addTo(app);
    addHealth(app, foundation);
    addDocuments(app, doors, VERSION);
    metrics.addTo(app);
    addVerifiableLog(app, {
      ...servedLog(foundation),
      identities: accounts.sessions,
      open: isOnLoopback(config),
    });
    const address = await listen(app.listen.bind(app), config, () => app.server.address());
    await foundation.lock?.announce({ address, databaseUrlFile: foundation.databaseUrlFile });
    return { address, foundation, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Of one address. */
const SOCKETS_BEFORE_HELLO = 100;
const KEY_CHANGE_EVERY_MS = 6 * 3_600_000;

/** What is due of the weekly change of keys; an erasure is final only by it, so a failure is loud. */
async function changeKeys({ keys, compliance }: Foundation, logger: Logger): Promise<void> {
  try {
    for (const { tenant, rewrapped, destroyed } of await changeWeekKeys(keys))
      if (rewrapped > 0 || destroyed.length > 0)
        logger.info({ tenant, rewrapped, destroyed: destroyed.length }, "week keys were changed");
    compliance.erasures.wake();
  } catch (error) {
    logger.error({ err: error }, "the weekly change of keys failed; it is tried again");
  }
}

function startApprovals({ compliance }: Foundation, logger: Logger): () => Promise<void> {
  const approvals = new Approvals({
    compliance,
    onTrouble: (error) => logger.warn({ err: error }, "what was approved is carried out soon"),
  });
  approvals.start();
  return () => approvals.stop();
}

function startEscalations({ engine, database }: Foundation, logger: Logger): () => Promise<void> {
  const escalations = new Escalations({
    engine,
    database,
    by: (tenant) => byTenant(engine, tenant),
    onTrouble: (error) => logger.warn({ err: error }, "an escalation is tried again soon"),
  });
  escalations.start();
  return () => escalations.stop();
}

/** The port is taken by another program. */
export class PortInUse extends Error {
  override name = "PortInUse";
}

async function listen(
  start: (where: { host: string; port: number }) => Promise<unknown>,
  { host, port }: Config,
  where: () => AddressInfo | string | null,
): Promise<string> {
  try {
    await start({ host, port });
  } catch (error) {
    switch (error instanceof Error && "code" in error && error.code) {
      case "EADDRINUSE":
        throw new PortInUse(`port ${port} of ${host} is in use: set SCRIPTA_PORT to another one`);
      case "ENOTFOUND":
      case "EADDRNOTAVAIL":
        throw new ConfigurationFault(`SCRIPTA_HOST: this machine has no address ${host}`);
      case "EACCES":
        throw new ConfigurationFault(`SCRIPTA_PORT: this user may not listen on port ${port}`);
      default:
        throw error;
    }
  }
  const address = where();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return `http://${address.family === "IPv6" ? `[${address.address}]` : address.address}:${address.port}`;
}

async function makeFirstAdmin({ config, accounts }: Foundation, logger: Logger): Promise<void> {
  if (!config.bootstrapAdmin) return;
  const made = await bootstrapAdmin(accounts.parts, "main", config.bootstrapAdmin);
  if (made === "there is one") logger.info("SCRIPTA_BOOTSTRAP_ADMIN is ignored: there is an administrator");
  else if (isRejection(made)) throw new Error(`SCRIPTA_BOOTSTRAP_ADMIN cannot be made: ${made.detail}`);
}

/** Structured lines on standard error, without content, tokens or names. */
export const createLogger = (level: string): Logger =>
  pino(
    { level, base: null, redact: ["req.headers.authorization", "*.token", "*.password"] },
    pino.destination({ fd: 2, sync: false }),
  );
