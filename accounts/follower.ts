import { setTimeout as pause } from "node:timers/promises";
import { decodeFacts } from "../domain/catalogue.ts";
import { parseStreamId } from "../domain/ids.ts";
import type { Clock } from "../infra/ports/clock.ts";
import type { Database } from "../infra/ports/database.ts";
import type { Batch, EventLog, RecordedEvent, Subscription } from "../infra/ports/eventLog.ts";
import { registeredByLog, setDeactivated, setRoles } from "./accountRows.ts";
import { revokeDevices } from "./sessions/deviceRows.ts";
import type { Sessions } from "./sessions/sessions.ts";
import type { Successions } from "./successions.ts";

const FOLDED: ReadonlySet<string> = new Set(["RolesChanged", "UserDeactivated", "UserReactivated", "DeviceSignedOut"]);
/** Positions without anything for us after which the place in the log is kept all the same. */
const KEEP_EVERY = 10_000;
const RETRY_MS = 1_000;
const LOOK_AGAIN_MS = 5;

interface FollowerParts {
  readonly database: Database;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly sessions: Sessions;
  readonly successions: Successions;
  /** Told when the log cannot be followed; it is tried again, and meanwhile nothing is answered from memory. */
  readonly onTrouble: (error: unknown) => void;
}

/**
 * Folds what the log says of accounts into their rows, and ends the sessions that it ends: what other processes did,
 * and what this one could not finish before it was killed. Doing it twice, or in several processes, is harmless.
 */
export class Follower {
  readonly #parts: FollowerParts;
  #position = 0;
  #kept = 0;
  /** What the log held when following began: up to there nothing is believed. Undefined once it was reached. */
  #target: number | undefined;
  #subscription: Subscription | undefined;
  #stopped = false;
  #retry: NodeJS.Timeout | undefined;
  #caughtUp: () => void = () => undefined;

  constructor(parts: FollowerParts) {
    this.#parts = parts;
  }

  /** Resolves when all that the log holds by now is folded. */
  async start(): Promise<void> {
    this.#position = await this.#place();
    this.#kept = this.#position;
    const caughtUp = new Promise<void>((resolve) => {
      this.#caughtUp = resolve;
    });
    await this.#follow();
    await caughtUp;
  }

  /** True once all up to the position is folded; false if that takes longer. */
  async reached(position: number, timeoutMs: number): Promise<boolean> {
    const until = performance.now() + timeoutMs;
    while (this.#position < position) {
      if (performance.now() > until) return false;
      await pause(LOOK_AGAIN_MS);
    }
    return true;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    await this.#subscription?.stop();
    await this.#keep();
  }

  async #follow(): Promise<void> {
    this.#target = (await this.#parts.log.head()).position;
    const subscription = this.#parts.log.subscribe(this.#position, (batch) => this.#fold(batch));
    this.#subscription = subscription;
    subscription.ended.catch((error: unknown) => this.#again(error));
    this.#believe();
  }

  #again(error: unknown): void {
    if (this.#stopped) return;
    this.#parts.sessions.believe(false);
    this.#parts.onTrouble(error);
    this.#retry = setTimeout(() => {
      this.#follow().catch((again: unknown) => this.#again(again));
    }, RETRY_MS);
  }

  async #fold({ events }: Batch): Promise<void> {
    const registered = events.filter(({ type }) => type === "UserRegistered").map(registration);
    if (registered.length > 0) await registeredByLog(this.#parts.database, registered);
    let changed = registered.length > 0;
    for (const event of events) {
      if (FOLDED.has(event.type)) {
        await this.#apply(event);
        changed = true;
      }
      this.#position = event.position;
    }
    if (changed || this.#position - this.#kept >= KEEP_EVERY) await this.#keep();
    this.#believe();
  }

  #believe(): void {
    if (this.#target === undefined || this.#position < this.#target) return;
    this.#target = undefined;
    this.#parts.sessions.believe(true);
    this.#caughtUp();
  }

  async #apply(event: RecordedEvent): Promise<void> {
    const { database, sessions, successions } = this.#parts;
    const { tenant, id } = parseStreamId(event.stream);
    const facts = decodeFacts(event);
    const { position } = event;
    const at = new Date(event.recordedAt);
    switch (facts.type) {
      case "RolesChanged":
        await setRoles(database, { tenant, ...facts.data, position });
        sessions.changed({ tenant, userId: facts.data.userId });
        break;
      case "UserDeactivated":
      case "UserReactivated":
        await setDeactivated(database, { tenant, userId: id, deactivated: facts.type === "UserDeactivated", position });
        sessions.changed({ tenant, userId: id });
        if (facts.type === "UserDeactivated") await successions.owe({ tenant, userId: id, position });
        break;
      case "DeviceSignedOut": {
        const { deviceId } = facts.data;
        await revokeDevices(database, tenant, { deviceIds: [deviceId] }, at);
        sessions.revoked({ tenant, userId: id, deviceId });
        break;
      }
    }
  }

  /** Where to go on. In another epoch than before the log's history is another one: it is folded from its start. */
  async #place(): Promise<number> {
    const epoch = await this.#parts.log.epoch();
    return this.#parts.database.transaction(async (tx) => {
      const { rows } = await tx.query<{ epoch: number; position: number }>(
        "select epoch, position from accounts.followed for update",
      );
      const [known] = rows;
      if (known?.epoch === epoch) return known.position;
      await tx.query(`update accounts.accounts set roles = '{}', guest = false, roles_position = 0,
        deactivated = false, deactivated_position = 0`);
      await tx.query(
        `insert into accounts.followed (epoch, position) values ($1, 0)
         on conflict (singleton) do update set epoch = excluded.epoch, position = 0`,
        [epoch],
      );
      return 0;
    });
  }

  async #keep(): Promise<void> {
    this.#kept = this.#position;
    await this.#parts.database.query("update accounts.followed set position = greatest(position, $1)", [
      this.#position,
    ]);
  }
}

const registration = ({ stream, commandId, recordedAt }: RecordedEvent) => {
  const { tenant, id: userId } = parseStreamId(stream);
  return { tenant, userId, commandId, at: new Date(recordedAt) };
};
