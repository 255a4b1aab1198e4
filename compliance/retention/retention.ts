import { forgetNames } from "../../accounts/accountRows.ts";
import { byTenant } from "../../accounts/byTenant.ts";
import type { AccountParts } from "../../accounts/parts.ts";
import { ungatedConversation } from "../../commands/conversation/aggregate.ts";
import { decodeFacts } from "../../domain/catalogue.ts";
import { MessagesExpired } from "../../domain/conversation/events.ts";
import { streamId, uuidV5 } from "../../domain/ids.ts";
import { isRejection } from "../../domain/rejection.ts";
import { AuthorsNeeded } from "../../infra/ports/holds.ts";
import type { Buckets } from "../../infra/ports/secrets.ts";
import { firstSealedAfter } from "../../projections/history/queries.ts";
import { kindsOf } from "../../projections/inbox/queries.ts";
import { CONFIRMED_FOR_MS } from "../../sealing/erasureLedger.ts";
import { daysKept, firstDayKept, readRules } from "./rules.ts";

export interface RetentionParts {
  readonly accounts: AccountParts;
  readonly buckets: Buckets;
  /** For how long after a destruction another process may go on opening, in ms. */
  readonly confirmedForMs?: number;
  /** Told what is tried again. */
  readonly onTrouble: (error: unknown) => void;
}

interface Retirement {
  readonly tenant: string;
  readonly conversation: string;
  readonly days: readonly string[];
}

const LOOK_AGAIN_MS = 3_600_000;
const RETRY_MS = 5_000;
const AT_ONCE = 10_000;

/**
 * Retires days of conversations that are past retention: their bucket secrets are destroyed, and a while later, when no
 * process can open any of it, members' devices are told. What is begun is a row until it is told, so that it outlives any
 * process; doing it twice, or in several processes, is harmless.
 */
export class Retention {
  readonly #parts: RetentionParts;
  #running: Promise<void> | undefined;
  #started = false;
  #more = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
  }

  /** Goes on with what was left undone, and looks every hour. */
  start(): void {
    this.#started = true;
    this.wake();
  }

  /** Rules changed. */
  wake(): void {
    this.#more = true;
    if (!this.#started || this.#running || this.#stopped) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#more) this.wake();
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#more = false;
    let waitMs = RETRY_MS;
    try {
      waitMs = await this.retire();
    } catch (error) {
      this.#parts.onTrouble(error);
    }
    if (!this.#stopped) this.#timer = setTimeout(() => this.wake(), waitMs).unref();
  }

  /** Destroys what is due and tells what was destroyed long enough ago. Gives for how long there is nothing to do, in ms. */
  async retire(): Promise<number> {
    const { database, engine } = this.#parts.accounts;
    await forgetNames(database, new Date(engine.clock.now()));
    const { rows } = await database.query<{ tenant: string }>("select tenant from accounts.tenants order by tenant");
    for (const { tenant } of rows) await this.#note(tenant);
    for (const retirement of await this.#begun("destroyed_at is null")) await this.#destroy(retirement);
    const { confirmedForMs = CONFIRMED_FOR_MS } = this.#parts;
    const long = `destroyed_at <= now() - ${Math.round(confirmedForMs)} * interval '1 ms'`;
    for (const retirement of await this.#begun(long)) await this.#tell(retirement);
    return (await this.#begun("true")).length > 0 ? Math.min(confirmedForMs, RETRY_MS) : LOOK_AGAIN_MS;
  }

  /** Writes down which days are due. */
  async #note(tenant: string): Promise<void> {
    const { accounts, buckets } = this.#parts;
    const { database, engine } = accounts;
    const rules = await readRules(engine, tenant);
    if (rules.length === 0) return;
    const now = engine.clock.now();
    const latest = firstDayKept(now, Math.min(...rules.map(({ days }) => days)));
    const old = await buckets.before(tenant, latest, AT_ONCE);
    const kinds = await kindsOf(database, tenant, [...new Set(old.map(({ conversationId }) => conversationId))]);
    const due = old.filter(({ conversationId, day }) => {
      const kind = kinds.get(conversationId);
      const days = kind && daysKept(rules, { conversationId, kind });
      return days !== undefined && day < firstDayKept(now, days);
    });
    if (due.length === 0) return;
    await database.query(
      `insert into compliance.retirements (tenant, conversation, day)
       select $1, * from unnest($2::uuid[], $3::text[]) on conflict do nothing`,
      [tenant, due.map(({ conversationId }) => conversationId), due.map(({ day }) => day)],
    );
  }

  async #begun(condition: string): Promise<Retirement[]> {
    const { rows } = await this.#parts.accounts.database.query<Retirement>(
      `select tenant, conversation, array_agg(day order by day) as days from compliance.retirements
       where ${condition} group by tenant, conversation order by tenant, conversation`,
    );
    return rows;
  }

  async #destroy({ tenant, conversation, days }: Retirement): Promise<void> {
    const { engine, database } = this.#parts.accounts;
    const of = streamId(tenant, "conversation", conversation);
    const names = days.map((bucket) => ({ tenant, of, bucket }));
    await engine.sealing.destroy(names).catch(async (error: unknown) => {
      if (!(error instanceof AuthorsNeeded)) throw error;
      await engine.sealing.destroy(names, await this.#authorsIn(tenant, conversation));
    });
    await database.query(
      `update compliance.retirements set destroyed_at = now()
       where tenant = $1 and conversation = $2 and day = any($3) and destroyed_at is null`,
      [tenant, conversation, days],
    );
  }

  /** From the log itself: a hold must miss nobody. */
  async #authorsIn(tenant: string, conversation: string): Promise<string[]> {
    const authors = new Set<string>();
    for await (const event of this.#parts.accounts.engine.log.readStream(
      streamId(tenant, "conversation", conversation),
    )) {
      const facts = decodeFacts(event);
      if (facts.type === "MessageSent" && event.sealed) authors.add(facts.data.authorId);
    }
    return [...authors];
  }

  async #tell({ tenant, conversation, days }: Retirement): Promise<void> {
    const { engine, database, people } = this.#parts.accounts;
    if (!(await people.settled())) throw new Error("the read models are not at the log's head");
    const stream = streamId(tenant, "conversation", conversation);
    const lastDay = days.at(-1) ?? "";
    const expiredTo = (await firstSealedAfter(database, tenant, conversation, lastDay)) - 1;
    const outcome = await ungatedConversation.mailboxes(engine).send(stream, {
      name: "ExpireMessages",
      payload: { days },
      sender: {
        ...byTenant(engine, tenant),
        unnamed: true,
        commandId: uuidV5(JSON.stringify(["retention", stream, days])),
      },
      keyed: true,
      needs: () => undefined,
      decide: () => [MessagesExpired({ stream, days: [...days], expiredTo })],
    });
    // Another process said the same: that is as good.
    if (isRejection(outcome) && outcome.rejected !== "conflict") throw new Error(`${stream}: ${outcome.detail}`);
    await database.query(
      "delete from compliance.retirements where tenant = $1 and conversation = $2 and day = any($3)",
      [tenant, conversation, days],
    );
  }
}
