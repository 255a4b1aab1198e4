import { type Engine, succeedOwner } from "../commands/index.ts";
import { isRejection } from "../domain/rejection.ts";
import type { Database } from "../infra/ports/database.ts";
import { byTenant } from "./byTenant.ts";
import type { People } from "./people.ts";

const RETRY_MS = 2_000;

interface Owed {
  readonly tenant: string;
  readonly userId: string;
  readonly position: number;
}

interface SuccessionParts {
  readonly engine: Engine;
  readonly database: Database;
  readonly people: Pick<People, "settled" | "ownedGroups">;
  /** Told when a group could not be given an owner; it is tried again. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Groups whose last owner was deactivated or erased get another. What is owed is a row until it is done, so that it
 * outlives any process; doing it twice, or in several processes, changes nothing.
 */
export class Successions {
  readonly #parts: SuccessionParts;
  #running: Promise<void> | undefined;
  #more = false;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: SuccessionParts) {
    this.#parts = parts;
  }

  /** Goes on with what was left undone. */
  start(): void {
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#running;
  }

  /**
   * To be said after the account's row says that the person is gone. Once it resolves it will be done.
   * @param position up to where the log may hold groups of this person's
   */
  async owe({ tenant, userId, position }: Owed): Promise<void> {
    await this.#parts.database.query(
      `insert into accounts.successions as known (tenant, user_id, position) values ($1, $2, $3)
       on conflict (tenant, user_id) do update set position = greatest(known.position, excluded.position)`,
      [tenant, userId, position],
    );
    this.#wake();
  }

  #wake(): void {
    this.#more = true;
    if (this.#running || this.#stopped) return;
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#more) this.#wake();
    });
  }

  async #run(): Promise<void> {
    clearTimeout(this.#retry);
    this.#more = false;
    try {
      await this.#settle();
    } catch (error) {
      this.#parts.onTrouble(error);
      this.#tryAgain();
    }
  }

  #tryAgain(): void {
    if (!this.#stopped) this.#retry = setTimeout(() => this.#wake(), RETRY_MS);
  }

  async #settle(): Promise<void> {
    const { database, people } = this.#parts;
    const { rows } = await database.query<Owed>(
      `select tenant, user_id as "userId", position from accounts.successions order by position`,
    );
    if (rows.length === 0) return;
    // No trouble: the read models do not know yet which groups need an owner, such as while a backup is restored.
    if (!(await people.settled())) {
      this.#tryAgain();
      return;
    }
    let failure: Error | undefined;
    for (const owed of rows) {
      if (this.#stopped) return;
      try {
        await this.#give(owed);
      } catch (error) {
        failure ??= new Error(`groups of ${owed.tenant}/${owed.userId} need an owner`, { cause: error });
      }
    }
    if (failure) throw failure;
  }

  async #give({ tenant, userId, position }: Owed): Promise<void> {
    const { engine, database, people } = this.#parts;
    for (const conversationId of await people.ownedGroups(tenant, userId)) {
      const outcome = await succeedOwner(engine, conversationId, byTenant(engine, tenant));
      if (isRejection(outcome)) throw new Error(`${conversationId}: ${outcome.detail}`);
    }
    await database.query("delete from accounts.successions where tenant = $1 and user_id = $2 and position = $3", [
      tenant,
      userId,
      position,
    ]);
  }
}
