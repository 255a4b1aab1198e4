import { byTenant } from "../../accounts/byTenant.ts";
import type { Engine } from "../../commands/index.ts";
import { decodeFacts } from "../../domain/catalogue.ts";
import { AccessLogSealed } from "../../domain/compliance/events.ts";
import { type StreamId, streamId, uuidV5 } from "../../domain/ids.ts";
import { isRejection } from "../../domain/rejection.ts";
import type { Database, Queryable } from "../../infra/ports/database.ts";
import type { EventLog } from "../../infra/ports/eventLog.ts";
import { complianceCase } from "../complianceCase.ts";

/** Where the log of events tells how far a tenant's access log had come. */
export const sealsOf = (tenant: string): StreamId =>
  streamId(tenant, "compliance", uuidV5(JSON.stringify(["access-log", tenant])));

export interface AccessSeal {
  readonly tenant: string;
  readonly entries: number;
  /** Hex. */
  readonly head: string;
  /** When the log of events took it; milliseconds since 1970. */
  readonly recordedAt: number;
}

/** All of a tenant from a revision on, oldest first. */
export async function* accessSeals(log: EventLog, tenant: string, from = 0): AsyncGenerator<AccessSeal> {
  for await (const recorded of log.readStream(sealsOf(tenant), from)) {
    const facts = decodeFacts(recorded);
    if (facts.type === "AccessLogSealed") yield { tenant, ...facts.data, recordedAt: recorded.recordedAt };
  }
}

export async function tenantsWithAccesses(database: Queryable): Promise<string[]> {
  const { rows } = await database.query<{ tenant: string }>(
    `select tenant from accounts.tenants t
     where exists (select from compliance.access_log a where a.tenant = t.tenant) order by tenant`,
  );
  return rows.map(({ tenant }) => tenant);
}

/** Held by the one that seals. */
const SEALING = 7_301_021;

export interface SealParts {
  readonly engine: Engine;
  readonly database: Database;
}

/**
 * Says in the log of events how far a tenant's access log has come, so that the verifiable log covers it: whoever alters or
 * takes out an entry later cannot make the chain fit again.
 * @param olderThanMs only where an entry has waited so long
 * @returns what is sealed now; undefined where nothing is, or another process is just sealing
 */
export async function sealAccessLog(
  { engine, database }: SealParts,
  tenant: string,
  olderThanMs = 0,
): Promise<AccessSeal | undefined> {
  const { log, clock } = engine;
  return database.transaction(async (tx) => {
    const { rows: lease } = await tx.query<{ ours: boolean }>(
      "select pg_try_advisory_xact_lock($1, hashtext($2)) as ours",
      [SEALING, tenant],
    );
    if (!lease[0]?.ours) return undefined;
    let last: AccessSeal | undefined;
    for await (const seal of accessSeals(log, tenant, Math.max(0, await log.revision(sealsOf(tenant))))) last = seal;
    const { rows } = await tx.query<{ entry: number; head: string; waits: Date }>(
      `select entry, encode(hash, 'hex') as head,
         (select min(at) from compliance.access_log where tenant = $1 and entry > $2) as waits
       from compliance.access_log where tenant = $1 and entry > $2 order by entry desc limit 1`,
      [tenant, last?.entries ?? 0],
    );
    const [newest] = rows;
    if (!newest || clock.now() - newest.waits.getTime() < olderThanMs) return last;
    const { entry: entries, head } = newest;
    const stream = sealsOf(tenant);
    const outcome = await complianceCase.mailboxes(engine).send(stream, {
      name: "SealAccessLog",
      payload: { entries, head },
      sender: {
        ...byTenant(engine, tenant),
        commandId: uuidV5(JSON.stringify(["access-seal", stream, entries, head])),
      },
      keyed: true,
      needs: () => undefined,
      decide: () => [AccessLogSealed({ entries, head })],
    });
    if (isRejection(outcome)) throw new Error(`the access log of ${tenant} was not sealed: ${outcome.detail}`);
    return { tenant, entries, head, recordedAt: clock.now() };
  });
}

const LOOK_EVERY_MS = 60_000;
const UNSEALED_FOR_MS = 3_600_000;

/** Seals by itself: no entry waits for much more than an hour, whatever is restarted. */
export class AccessSeals {
  readonly #parts: SealParts & { readonly onTrouble: (error: unknown) => void };
  #running: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: SealParts & { readonly onTrouble: (error: unknown) => void }) {
    this.#parts = parts;
  }

  start(): void {
    const look = () => {
      this.#running = this.#running.then(() => this.sealDue()).catch(this.#parts.onTrouble);
    };
    this.#timer = setInterval(look, LOOK_EVERY_MS).unref();
    look();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** What has waited for an hour. */
  async sealDue(): Promise<void> {
    for (const tenant of await tenantsWithAccesses(this.#parts.database))
      await sealAccessLog(this.#parts, tenant, UNSEALED_FOR_MS);
  }
}
