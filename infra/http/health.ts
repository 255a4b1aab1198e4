import type { FastifyInstance } from "fastify";
import { projections } from "../../projections/all.ts";
import { rebuildsUnderway } from "../../projections/rebuild/underway.ts";
import type { Foundation } from "../foundation.ts";

const FEW_EVENTS = 1_000;
const SHORT_MS = 1_000;
const ANSWER_MS = 2_000;

type Check = { readonly ok: boolean; readonly [fact: string]: unknown };

/** `/health/live`: the process runs. `/health/ready`: all that it depends on answers, and read models are near the head. */
export function addHealth(app: FastifyInstance, foundation: Foundation): void {
  app.get("/health/live", async () => ({ status: "live" }));
  app.get("/health/ready", async (_request, reply) => {
    const { status, body } = await readiness(foundation);
    return reply.code(status).send(body);
  });
}

async function readiness({ database, log, projector, sealing, config }: Foundation) {
  const [db, epoch, lag, keys, parked, rebuilds] = await Promise.all([
    check(async () => void (await database.query("select 1"))),
    check(async () => ({ epoch: await log.epoch() })),
    check(async () => {
      const { events, ms } = await projector.lag();
      return { ok: events < FEW_EVENTS || ms < SHORT_MS, events, ms };
    }),
    check(async () => void (await sealing.tenantKey("main", "username-lookup"))),
    check(async () => {
      const streams = await projector.parked();
      return { parked: streams.length };
    }),
    check(async () => {
      const underway = await rebuildsUnderway(database, projections, await log.epoch());
      return { rebuilding: underway.map(({ name }) => name), stale: underway.some(({ stale }) => stale) };
    }),
  ]);
  // A read model of another version lags until its rebuild is through: that is no reason to send people elsewhere.
  const ready = db.ok && epoch.ok && (lag.ok || rebuilds.stale === true) && keys.ok;
  const degraded = ready && (parked.parked !== 0 || !lag.ok || !isEmpty(rebuilds.rebuilding));
  return {
    status: ready ? 200 : 503,
    body: {
      status: ready ? (degraded ? "degraded" : "ready") : "not ready",
      checks: { database: db, log: epoch, projections: { ...lag, ...parked, ...rebuilds, ok: lag.ok }, keys },
      rateLimits: config.rateLimits ? "on" : "off",
    },
  };
}

const isEmpty = (list: unknown): boolean => Array.isArray(list) && list.length === 0;

/** Whether it answers in time, with what it says of itself. Never why not: that is in the log. */
async function check(ask: () => Promise<Record<string, unknown> | undefined | undefined>): Promise<Check> {
  const late = new Promise<never>((_, fail) => setTimeout(() => fail(new Error("no answer")), ANSWER_MS).unref());
  try {
    return { ok: true, ...(await Promise.race([ask(), late])) };
  } catch {
    return { ok: false };
  }
}
