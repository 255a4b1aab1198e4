import { setTimeout as delay } from "node:timers/promises";
import type { Pool } from "pg";
import type { Database } from "../ports/database.ts";
import { openPool } from "../postgres/database.ts";
import type { Tail } from "./tail.ts";

const CHANNEL = "log_head";
const POLL_MS = 250;
const ANNOUNCE_EVERY_MS = 5;

/**
 * Learns how far the log goes by what other processes wrote: they say so by NOTIFY, outside their transactions (inside, it
 * would hold up all commits), and where that is lost a poll finds out.
 */
export class HeadWatch {
  readonly #announcer: Pool;
  readonly #reads: Database;
  readonly #tail: Tail;
  readonly #closed = new AbortController();
  #watchers = 0;
  #listening: Promise<{ stop(): Promise<void> } | undefined> | undefined;
  #polling: Promise<void> | undefined;
  #announced = 0;
  #announcing: Promise<void> | undefined;

  constructor(connection: string, reads: Database, tail: Tail) {
    // NOTIFY writes a commit record of its own; nobody needs that on disk.
    this.#announcer = openPool(connection, {
      max: 1,
      applicationName: "scripta log announcer",
      settings: { synchronous_commit: "off" },
    });
    this.#reads = reads;
    this.#tail = tail;
  }

  /** Somebody wants to know, until it is ended. */
  begin(): { end(): void } {
    this.#watchers++;
    // Where nobody can listen yet, polling does.
    this.#listening ??= this.#reads
      .listen(CHANNEL, (payload) => this.#tail.advance(Number(payload)))
      .catch(() => {
        this.#listening = undefined;
        return undefined;
      });
    this.#polling ??= this.#poll();
    return { end: () => this.#watchers-- };
  }

  /** Tells other processes, soon and not for every batch. */
  announce(position: number): void {
    this.#announced = Math.max(this.#announced, position);
    this.#announcing ??= this.#announce();
  }

  /** Resolves when the log may be read again. */
  async reachable(): Promise<void> {
    await this.#pause(POLL_MS);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([this.#polling, this.#announcing]);
    await (await this.#listening)?.stop();
    await this.#announcer.end();
  }

  async #poll(): Promise<void> {
    while (this.#watchers > 0 && !this.#closed.signal.aborted) {
      await this.#pause(POLL_MS);
      // An outage shows where somebody reads or appends.
      await this.#reads
        .query<{ position: number }>("select position from log.events order by position desc limit 1", [], "log.poll")
        .then(({ rows: [row] }) => this.#tail.advance(row?.position ?? 0))
        .catch(() => undefined);
    }
    this.#polling = undefined;
  }

  async #announce(): Promise<void> {
    for (let said = 0; said < this.#announced; ) {
      said = this.#announced;
      await this.#announcer.query("select pg_notify($1, $2)", [CHANNEL, String(said)]).catch(() => undefined);
      await this.#pause(ANNOUNCE_EVERY_MS);
    }
    this.#announcing = undefined;
  }

  /** Ends early when the watch is closed. */
  #pause(ms: number): Promise<void> {
    return delay(ms, undefined, { signal: this.#closed.signal }).catch(() => undefined);
  }
}
