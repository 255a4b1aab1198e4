import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { type Rejection, reject } from "../domain/rejection.ts";
import type { OpenDoor } from "../infra/ports/door.ts";
import type { Identities, Identity } from "../infra/ports/identity.ts";
import type { RateLimits } from "../infra/ports/rateLimits.ts";
import type { Committed, Projector } from "../projections/projector.ts";
import { Audience } from "./audience.ts";
import type { ChangeSource, Viewer } from "./changeSource.ts";
import { Connection } from "./connection.ts";
import { FanOut } from "./fanOut.ts";
import { close, encodeFrame } from "./frames.ts";
import { memoryPresence } from "./presence.ts";
import type { ServedSocket } from "./servedSocket.ts";
import { Strangers } from "./strangers.ts";

const PING_MS = 5_000;
const OFFLINE_AFTER_MS = 10_000;
const CLOSED_AFTER_MS = 30_000;
const TICK_MS = 500;
const SOCKETS_A_DEVICE = 5;
const TYPING_MS = 3_000;
const ANSWERED_WITHIN_MS = 5_000;

export interface GatewayParts {
  readonly commands: readonly OpenDoor[];
  readonly identities: Identities;
  readonly rateLimits: RateLimits;
  readonly source: ChangeSource;
  readonly projector: Projector;
  readonly now: () => number;
  readonly newId: () => string;
  /** Resolves once the read models know all that is in the log now; to false if that takes too long. */
  readonly settled: () => Promise<boolean>;
  /** When each of these people was seen last, as far as that is stored. */
  readonly lastSeen: LastSeen;
  /** How many sockets one address may hold open before anybody signs in on them. */
  readonly mostStrangers: number;
  readonly problem: (error: unknown) => void;
  /** What an exception is to a client where it only says that something cannot be asked now; else undefined. */
  readonly outage: (error: unknown) => Rejection | undefined;
}

export interface LastSeen {
  read(people: readonly string[]): Promise<ReadonlyMap<string, string>>;
  write(person: string, at: Date): void;
}

/** All sockets of this process, and what goes out to them. */
export class Gateway {
  readonly identities: Identities;
  readonly rateLimits: RateLimits;
  readonly commands: ReadonlyMap<string, OpenDoor>;
  readonly now: () => number;
  readonly newId: () => string;
  readonly problem: (error: unknown) => void;
  readonly #outage: (error: unknown) => Rejection | undefined;
  readonly #source: ChangeSource;
  readonly #projector: Projector;
  readonly #lastSeen: LastSeen;
  readonly settled: () => Promise<boolean>;
  readonly #audience = new Audience();
  readonly #fanOut: FanOut;
  readonly #presence;
  readonly #connections = new Set<Connection>();
  /** Closed for being too slow, and not yet read to the end. */
  readonly #lingering = new Set<Connection>();
  readonly #strangers: Strangers;
  /** In the order in which they said hello. */
  readonly #byPerson = new Map<string, readonly Connection[]>();
  /** What is told to sockets goes one after the other, in log order. */
  #work: Promise<unknown> = Promise.resolve();
  /** All up to here was told. */
  #spreadTo = 0;
  #stops: (() => void)[] = [];
  #draining = false;

  constructor(parts: GatewayParts) {
    this.identities = parts.identities;
    this.rateLimits = parts.rateLimits;
    this.commands = new Map(parts.commands.filter(({ socket }) => socket).map((door) => [door.name, door]));
    this.now = parts.now;
    this.newId = parts.newId;
    this.problem = parts.problem;
    this.#outage = parts.outage;
    this.#source = parts.source;
    this.#projector = parts.projector;
    this.#lastSeen = parts.lastSeen;
    this.settled = parts.settled;
    this.#strangers = new Strangers(parts.mostStrangers);
    this.#presence = memoryPresence((person, at) => parts.lastSeen.write(person, at));
    const sockets = (person: string) => this.#byPerson.get(person) ?? [];
    this.#fanOut = new FanOut({ source: parts.source, audience: this.#audience, sockets });
  }

  start(): void {
    this.#spreadTo = this.#projector.checkpoint();
    const ticks = [setInterval(() => this.#ping(), PING_MS), setInterval(() => this.#tick(), TICK_MS)];
    this.#stops = [
      this.#projector.onCommitted((batch) => this.#spread(batch)),
      this.identities.onRevoked((ended) => this.#revoked(ended)),
      ...ticks.map((tick) => () => clearInterval(tick)),
    ];
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Whether so many sockets of an address wait for somebody to sign in that no other may come. */
  crowded(address: string): boolean {
    return this.#strangers.full(address);
  }

  connected(ws: ServedSocket, socket: Socket, address: string): void {
    const connection = new Connection(ws, socket, address, this);
    if (this.#draining) return connection.end(close.goingAway, "going away");
    this.#connections.add(connection);
    this.#strangers.add(connection, connection.address);
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Takes no more commands, answers those that it took, and then tells every socket to resume elsewhere. */
  async drain(): Promise<void> {
    this.#draining = true;
    const until = performance.now() + ANSWERED_WITHIN_MS;
    while (performance.now() < until && [...this.#connections].some(({ busy }) => busy)) await pause(10);
    for (const connection of [...this.#connections]) connection.end(close.goingAway, "resume elsewhere");
    for (const connection of this.#lingering) connection.cut();
    for (const stop of this.#stops) stop();
    await this.#work;
  }

  /** First heard live, then caught up to a cut-off, then what came meanwhile. */
  async open(connection: Connection, identity: Identity, cursor: string | undefined): Promise<void> {
    const { tenant, userId, deviceId } = identity;
    const viewer: Viewer = { tenant, userId, deviceId };
    const person = connection.person ?? `${tenant}/${userId}`;
    this.#strangers.remove(connection);
    this.#seat(connection, person, deviceId);
    // What was spread before this is not told to it: the rows must hold that, and after a crash of the database they
    // may lie behind for a moment.
    let spreadTo = 0;
    let rowsAt = Number.POSITIVE_INFINITY;
    await this.#inTurn(async () => {
      spreadTo = this.#spreadTo;
      if (this.#audience.knows(person)) return;
      const { position, conversations } = await this.#source.belongings(tenant, userId);
      rowsAt = position;
      if (this.#byPerson.has(person) && position >= spreadTo)
        this.#audience.seat(tenant, userId, position, conversations);
    });
    if (rowsAt < spreadTo) return connection.end(close.goingAway, "resume from your cursor");
    let started = false;
    let last: { cursor: string; upTo: number } | undefined;
    for await (const page of this.#source.catchUp(viewer, cursor)) {
      if (!started) {
        connection.ready({ type: "ready", userId, deviceId, resumed: !page.reset });
        started = true;
      }
      if (page.reset) connection.send({ type: "reset" });
      if (page.changes.length > 0) connection.sendPage(page.upTo, page.changes);
      last = page;
      if (!(await connection.drained())) return;
    }
    if (!last) throw new Error("catching up gave no page");
    if (last.upTo < spreadTo) return connection.end(close.goingAway, "resume from your cursor");
    this.#presence.say(person, connection, connection.saidStatus, new Date(this.now()));
    connection.goLive(last.upTo, last.cursor);
  }

  #seat(connection: Connection, person: string, deviceId: string): void {
    const sockets = [...(this.#byPerson.get(person) ?? []), connection];
    this.#byPerson.set(person, sockets);
    const ofDevice = sockets.filter(({ identity }) => identity?.deviceId === deviceId);
    if (ofDevice.length > SOCKETS_A_DEVICE) ofDevice[0]?.end(close.replaced, "another socket took its place");
  }

  left(connection: Connection): void {
    this.#connections.delete(connection);
    this.#strangers.remove(connection);
    const { identity, person } = connection;
    if (!identity || person === undefined) return;
    this.#presence.unwatch(connection);
    this.#presence.say(person, connection, "offline", new Date(this.now()));
    const others = (this.#byPerson.get(person) ?? []).filter((other) => other !== connection);
    if (others.length > 0) return void this.#byPerson.set(person, others);
    this.#byPerson.delete(person);
    this.#audience.forget(person);
  }

  lingers(connection: Connection): void {
    this.#lingering.add(connection);
  }

  gone(connection: Connection): void {
    this.#lingering.delete(connection);
  }

  /** Runs after everything that was to be told before. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#work.then(act);
    this.#work = done.catch((error: unknown) => this.problem(error));
    return done;
  }

  #spread(batch: Committed): void {
    void this.#inTurn(async () => {
      for (const { tenant, conversationId } of batch.resynced)
        for (const person of this.#audience.of(tenant, conversationId))
          for (const connection of [...(this.#byPerson.get(person) ?? [])])
            connection.end(close.goingAway, "resume from your cursor");
      const newcomers = await this.#fanOut.spread(batch);
      this.#spreadTo = Math.max(this.#spreadTo, batch.events.at(-1)?.position ?? 0);
      // A cursor from before a conversation brings all of it anew: the sooner one from after it, the better.
      for (const person of newcomers)
        for (const connection of this.#byPerson.get(person) ?? [])
          if (connection.wantsCursor) this.sendCursor(connection);
    }).catch((error: unknown) => {
      // Whoever missed something catches up from the own cursor, with all of what was to be told.
      this.problem(error);
      this.#spreadTo = Math.max(this.#spreadTo, batch.events.at(-1)?.position ?? 0);
      for (const connection of [...this.#connections]) connection.end(close.goingAway, "resume from your cursor");
    });
  }

  /** Resolves once sockets were told of all that the read models know now. */
  async told(): Promise<void> {
    await this.#work;
  }

  sendCursor(connection: Connection): void {
    const { identity } = connection;
    if (identity) connection.sendCursor(this.#source.cursorAt(identity, this.#spreadTo));
  }

  #tick(): void {
    const now = performance.now();
    for (const connection of [...this.#connections]) {
      connection.tick();
      const silentMs = now - connection.heardAt;
      if (silentMs > CLOSED_AFTER_MS) connection.end(close.goingAway, "nothing was heard for 30 s");
      else if (silentMs > OFFLINE_AFTER_MS && !connection.silenced) this.#say(connection, "offline");
      if (connection.wantsCursor) this.sendCursor(connection);
    }
  }

  #ping(): void {
    for (const connection of this.#connections) connection.ping();
  }

  #revoked({ tenant, userId, deviceId }: { tenant: string; userId: string; deviceId?: string }): void {
    for (const connection of [...(this.#byPerson.get(`${tenant}/${userId}`) ?? [])])
      if (deviceId === undefined || connection.identity?.deviceId === deviceId)
        connection.end(close.unauthenticated, "signed out");
  }

  /** What a command's exception is to its sender. */
  refusalOf(error: unknown): Rejection {
    const outage = this.#outage(error);
    if (outage) return outage;
    this.problem(error);
    return reject("unavailable", "something went wrong here; it was logged");
  }

  heard(connection: Connection): void {
    if (connection.live && connection.silenced) this.#say(connection, connection.saidStatus);
  }

  say(connection: Connection, status: "online" | "away"): void {
    connection.saidStatus = status;
    this.#say(connection, status);
  }

  #say(connection: Connection, status: "online" | "away" | "offline"): void {
    connection.silenced = status === "offline";
    if (connection.person) this.#presence.say(connection.person, connection, status, new Date(this.now()));
  }

  async watch(connection: Connection, userIds: readonly string[]): Promise<void> {
    const { identity } = connection;
    if (!identity) return;
    const { tenant } = identity;
    const shared = await this.#sharing(identity, userIds);
    const people = userIds.filter((userId) => shared.has(userId)).map((userId) => `${tenant}/${userId}`);
    const stored = await this.#lastSeen.read(people);
    const tell = (person: string, { status, lastSeen }: { status: string; lastSeen: string | null }) =>
      connection.send({ type: "presence", userId: person.slice(tenant.length + 1), status, lastSeen });
    const all = userIds.map((userId) => `${tenant}/${userId}`);
    this.#presence.watch(connection, all, (person, presence) => {
      void this.#stillShares(identity, person)
        .then((shares) => shares && tell(person, presence))
        .catch((error: unknown) => this.problem(error));
    });
    for (const person of people) {
      const { status, lastSeen } = this.#presence.of(person);
      tell(person, { status, lastSeen: lastSeen ?? (status === "offline" ? (stored.get(person) ?? null) : null) });
    }
  }

  /** With whom of these one shares a conversation, of those too that were just added to one. */
  async #sharing({ tenant, userId }: Identity, userIds: readonly string[]): Promise<ReadonlySet<string>> {
    const shared = await this.#source.share(tenant, userId, userIds);
    if (userIds.every((other) => shared.has(other)) || !(await this.settled())) return shared;
    return this.#source.share(tenant, userId, userIds);
  }

  async #stillShares({ tenant, userId }: Identity, person: string): Promise<boolean> {
    const other = person.slice(tenant.length + 1);
    return (await this.#source.share(tenant, userId, [other])).has(other);
  }

  typing(connection: Connection, conversationId: string): void {
    const { identity, person } = connection;
    if (!identity || !person || !this.#audience.isMember(person, identity.tenant, conversationId)) return;
    const expiresAt = new Date(this.now() + TYPING_MS).toISOString();
    const frame = encodeFrame({ type: "typing", conversationId, userId: identity.userId, expiresAt });
    for (const other of this.#audience.of(identity.tenant, conversationId))
      if (other !== person) for (const socket of this.#byPerson.get(other) ?? []) socket.sendEncoded(frame);
  }
}
