import type { Socket } from "node:net";
import { isRejection, type Rejection } from "../domain/rejection.ts";
import type { Identity } from "../infra/ports/identity.ts";
import type { Change } from "./changeSource.ts";
import { apart, type ClientFrame, type CloseCode, close, encodeFrame } from "./frames.ts";
import type { Gateway } from "./gateway.ts";
import { type RefusedCommand, readFrame } from "./incoming.ts";
import { MOST_WAITING_BYTES, Outgoing } from "./outgoing.ts";
import type { ServedSocket } from "./servedSocket.ts";
import { SocketCommands } from "./socketCommands.ts";

const HELLO_MS = 5_000;
const EXPIRING_MS = 30_000;
const CLOSED_WITHIN_MS = 2_000;
/** Who was too slow reads all that waits, and only then why the socket was closed. */
const SLOW_CLOSED_WITHIN_MS = 30_000;
/** People whose `user` change this socket is known to have had. */
const MOST_INTRODUCED = 10_000;
const CHANGES_BETWEEN_CURSORS = 200;

interface Held {
  readonly frame: Buffer;
  readonly position: number;
  readonly changes: number;
}

/** One socket, from its upgrade to its close. */
export class Connection {
  readonly #ws: ServedSocket;
  readonly #gateway: Gateway;
  readonly #out: Outgoing;
  #commands: SocketCommands | undefined;
  #identity: Identity | undefined;
  #person: string | undefined;
  #state: "waiting" | "opening" | "live" | "closed" = "waiting";
  /** Frames that came right behind `hello`, until it is answered; what comes after them waits in the network. */
  #early: (Exclude<ClientFrame, { type: "hello" }> | RefusedCommand)[] | undefined;
  readonly #helloBy = performance.now() + HELLO_MS;
  /** Whether its client was asked for a new token. */
  #expiring = false;
  /** Changes of while the socket was catching up. */
  #held: Held[] | undefined;
  #heldBytes = 0;
  #caughtUpTo = 0;
  #introduced: Set<string> | undefined;
  #lastTyping: Map<string, number> | undefined;
  /** When anything was heard last, by a clock that never goes back. */
  heardAt = performance.now();
  /** Changes sent since the last cursor. */
  #sinceCursor = 0;
  /** What its client says of its person, and whether that was taken back because nothing was heard. */
  saidStatus: "online" | "away" = "online";
  silenced = false;
  /** Where it comes from. */
  readonly address: string;

  constructor(ws: ServedSocket, socket: Socket, address: string, gateway: Gateway) {
    this.#ws = ws;
    this.address = address;
    this.#gateway = gateway;
    this.#out = new Outgoing(socket, () => this.end(close.tooSlow, "resume from your cursor"));
    ws.tell(this);
  }

  get identity(): Identity | undefined {
    return this.#identity;
  }

  /** Whether a command of it waits for its answer. */
  get busy(): boolean {
    return this.#commands?.busy ?? false;
  }

  get live(): boolean {
    return this.#state === "live";
  }

  /** The key of whoever it belongs to, once that is known. */
  get person(): string | undefined {
    return this.#person;
  }

  /** A frame that no change is in. */
  send(frame: object): void {
    this.#out.send(encodeFrame(frame));
  }

  sendEncoded(frame: Buffer): void {
    if (this.#state === "live") this.#out.send(frame);
  }

  /** A page of what the socket missed; only while it catches up. */
  sendPage(position: number, changes: readonly Change[]): void {
    if (this.#state !== "opening") return;
    for (const change of changes)
      if (change.op === "user" && typeof change.userId === "string") this.introduce(change.userId);
    for (const frame of apart(changes)) this.send({ type: "changes", position, changes: frame });
  }

  /** Resolves when what was sent has mostly gone out; false once the socket is closed. */
  async drained(): Promise<boolean> {
    await this.#out.drained();
    return this.#state !== "closed";
  }

  /** An encoded `changes` frame, at its position. While the socket catches up it is held back. */
  deliver(frame: Buffer, position: number, changes: number): void {
    if (this.#state === "opening") {
      this.#held ??= [];
      this.#held.push({ frame, position, changes });
      this.#heldBytes += frame.length;
      if (this.#heldBytes > MOST_WAITING_BYTES) this.end(close.tooSlow, "resume from your cursor");
      return;
    }
    // What catching up has sent already would be old news now.
    if (this.#state !== "live" || position <= this.#caughtUpTo) return;
    this.#out.send(frame);
    this.#sinceCursor += changes;
    if (this.#sinceCursor >= CHANGES_BETWEEN_CURSORS) this.#gateway.sendCursor(this);
  }

  /** Whether something was sent that no cursor covers yet. */
  get wantsCursor(): boolean {
    return this.#state === "live" && this.#sinceCursor > 0;
  }

  sendCursor(cursor: string): void {
    this.#sinceCursor = 0;
    this.send({ type: "cursor", cursor });
  }

  knows(userId: string): boolean {
    return this.#introduced?.has(userId) ?? false;
  }

  /** What it was told of this person no longer holds: it must be told anew before it hears of the person again. */
  forget(userId: string): void {
    this.#introduced?.delete(userId);
  }

  /** True the first time: the person's `user` change must come before what this person wrote. */
  introduce(userId: string): boolean {
    this.#introduced ??= new Set();
    if (this.#introduced.has(userId)) return false;
    if (this.#introduced.size >= MOST_INTRODUCED) this.#introduced.clear();
    this.#introduced.add(userId);
    return true;
  }

  ping(): void {
    if (this.#state !== "closed") this.#ws.ping();
  }

  end(code: CloseCode, reason: string): void {
    if (this.#state === "closed") return;
    if (code !== close.tooSlow) this.#out.flush();
    this.#ws.resume();
    this.#ws.close(code, reason);
    const slow = code === close.tooSlow;
    setTimeout(() => this.cut(), slow ? SLOW_CLOSED_WITHIN_MS : CLOSED_WITHIN_MS).unref();
    if (slow) this.#gateway.lingers(this);
    this.#leave();
  }

  cut(): void {
    this.#ws.terminate();
  }

  closed(): void {
    this.#gateway.gone(this);
    this.#leave();
  }

  #leave(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#out.end();
    this.#held = undefined;
    this.#early = undefined;
    this.#gateway.left(this);
  }

  /** To be called a few times a second: all sockets share one timer. */
  tick(): void {
    if (this.#state === "waiting" && performance.now() >= this.#helloBy)
      return this.end(close.protocolError, "no hello in 5 s");
    if (!this.#identity) return;
    const leftMs = this.#identity.expiresAt.getTime() - this.#gateway.now();
    if (leftMs <= 0) return this.end(close.unauthenticated, "the token ended");
    if (leftMs > EXPIRING_MS || this.#expiring) return;
    this.#expiring = true;
    this.send({ type: "expiring", in: Math.round(leftMs / 1_000) });
  }

  heard(): void {
    this.heardAt = performance.now();
    this.#gateway.heard(this);
  }

  received(data: unknown, isBinary: boolean): void {
    if (this.#state === "closed") return;
    this.heard();
    const frame = isBinary ? undefined : readFrame(data);
    if (!frame) return this.end(close.protocolError, "a frame is not of the protocol");
    if (frame.type === "hello") {
      if (this.#state !== "waiting") return this.end(close.protocolError, "hello comes once");
      this.#state = "opening";
      this.#early = [];
      this.#ws.pause();
      this.#hello(frame).catch((error: unknown) => this.#failed(error));
    } else if (this.#early) this.#early.push(frame);
    else if (this.#identity) this.#act(frame, this.#identity);
    else this.end(close.protocolError, "the first frame is hello");
  }

  #failed(error: unknown): void {
    this.#gateway.problem(error);
    this.end(close.goingAway, "try again");
  }

  async #hello({ token, cursor }: ClientFrame & { type: "hello" }): Promise<void> {
    const identity = await this.#gateway.identities.authenticate(token);
    if (this.#state !== "opening") return;
    if (isRejection(identity)) return this.end(close.unauthenticated, "the token does not hold");
    this.#identity = identity;
    this.#person = `${identity.tenant}/${identity.userId}`;
    await this.#gateway.open(this, identity, cursor ?? undefined);
  }

  /** The answer to `hello`. What came behind it is acted on, and the socket is read again. */
  ready(frame: object): void {
    this.send(frame);
    const early = this.#early ?? [];
    this.#early = undefined;
    this.#ws.resume();
    for (const one of early) if (this.#identity && this.#state === "opening") this.#act(one, this.#identity);
  }

  /** Everything up to the position was sent by catching up: what was held from there on follows, then live. */
  goLive(upTo: number, cursor: string): void {
    if (this.#state !== "opening") return;
    this.#out.flush();
    this.#state = "live";
    this.send({ type: "live", cursor });
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#caughtUpTo = upTo;
    for (const { frame, position, changes } of held) this.deliver(frame, position, changes);
  }

  #act(frame: Exclude<ClientFrame, { type: "hello" }> | RefusedCommand, identity: Identity): void {
    switch (frame.type) {
      case "refused":
        return this.#commandsOfIt().refuse(frame.id, frame.rejection);
      case "command":
        return this.#commandsOfIt().take(frame);
      case "ping":
        return this.send({ type: "pong" });
      case "renew":
        return void this.#renew(frame.token, identity).catch((error: unknown) => this.#failed(error));
      case "typing":
        return this.#typing(frame.conversationId);
      case "presence":
        return this.#gateway.say(this, frame.status);
      case "watch":
        return void this.#gateway.watch(this, frame.userIds).catch((error: unknown) => this.#failed(error));
      default:
        frame satisfies never;
    }
  }

  #commandsOfIt(): SocketCommands {
    this.#commands ??= new SocketCommands(this, this.#gateway);
    return this.#commands;
  }

  async #renew(token: string, identity: Identity): Promise<void> {
    const renewed = await this.#gateway.identities.authenticate(token);
    if (isRejection(renewed) || renewed.deviceId !== identity.deviceId || renewed.tenant !== identity.tenant)
      return this.end(close.unauthenticated, "the token does not hold");
    this.#identity = renewed;
    this.#expiring = false;
    this.send({ type: "renewed" });
  }

  /** At most one a second for each conversation. */
  #typing(conversationId: string): void {
    const now = performance.now();
    this.#lastTyping ??= new Map();
    if (now - (this.#lastTyping.get(conversationId) ?? -1_000) < 1_000) return;
    if (this.#lastTyping.size > 1_000) this.#lastTyping.clear();
    this.#lastTyping.set(conversationId, now);
    this.#gateway.typing(this, conversationId);
  }

  /** The current identity for a command: roles may have changed, the session may have ended. */
  async confirm(): Promise<Identity | Rejection | undefined> {
    return this.#identity && this.#gateway.identities.renewed(this.#identity);
  }
}
