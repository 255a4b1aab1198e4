import { isRejection, type Rejection, reject } from "../domain/rejection.ts";
import { idempotencyKeyIn, mayEnter, misshapen, type OpenDoor } from "../infra/ports/door.ts";
import { byOf } from "../infra/ports/identity.ts";
import type { Connection } from "./connection.ts";
import { type ClientFrame, close } from "./frames.ts";
import type { Gateway } from "./gateway.ts";

const MOST_UNDER_WAY = 1_000;
/** Refusals for speed after which the socket is closed, unless there is a quiet time between. */
const MOST_REFUSALS = 500;
const QUIET_MS = 10_000;

type CommandFrame = ClientFrame & { type: "command" };

/**
 * The commands of one socket. They enter their doors one after the other, in the order in which they came, and are
 * answered whenever each is done.
 */
export class SocketCommands {
  readonly #connection: Connection;
  readonly #gateway: Gateway;
  readonly #waiting: CommandFrame[] = [];
  #entering = false;
  #underWay = 0;
  #refusals = 0;
  #refusedAt = 0;

  constructor(connection: Connection, gateway: Gateway) {
    this.#connection = connection;
    this.#gateway = gateway;
  }

  get busy(): boolean {
    return this.#underWay > 0;
  }

  take(frame: CommandFrame): void {
    // Unanswered, its client sends it again elsewhere.
    if (this.#gateway.draining) return;
    if (this.#underWay >= MOST_UNDER_WAY)
      return this.#answer(frame.id, {
        ...reject("rate-limited", "too many commands are under way"),
        retryAfterSeconds: 1,
      });
    this.#underWay++;
    this.#waiting.push(frame);
    if (!this.#entering) void this.#enterAll();
  }

  /** Answers what is no command of any kind. */
  refuse(id: string, rejection: Rejection): void {
    this.#answer(id, rejection);
  }

  async #enterAll(): Promise<void> {
    this.#entering = true;
    for (let frame = this.#waiting.shift(); frame; frame = this.#waiting.shift()) {
      const { id } = frame;
      const entered = await this.#enter(frame).catch((error: unknown) => this.#failed(error));
      if (isRejection(entered)) this.#done(id, entered);
      else
        entered.handled
          .catch((error: unknown) => this.#failed(error))
          .then((outcome) => this.#done(id, outcome))
          .catch((error: unknown) => this.#gateway.problem(error));
    }
    this.#entering = false;
  }

  #failed(error: unknown): Rejection {
    return this.#gateway.refusalOf(error);
  }

  /** Resolves once the command stands in its mailbox; what comes of it is in `handled`. */
  async #enter({ id, name, payload }: CommandFrame): Promise<Rejection | { handled: ReturnType<OpenDoor["handle"]> }> {
    const identity = await this.#connection.confirm();
    if (!identity || isRejection(identity)) {
      this.#connection.end(close.unauthenticated, "signed out");
      return reject("unauthenticated", "signed out");
    }
    const door = this.#gateway.commands.get(name);
    if (!door) return reject("validation-failed", "there is no such command");
    const parsed = door.parse(payload);
    if (!parsed.success) return misshapen(parsed.error);
    const refused = mayEnter(door, identity.roles);
    if (refused) return refused;
    if (door.limit) {
      const allowance = await this.#gateway.rateLimits.take(door.limit, identity.deviceId);
      if (!allowance.ok) return this.#slowedDown(allowance.retryAfterSeconds);
    }
    const by = byOf(identity, {
      now: new Date(this.#gateway.now()),
      correlationId: this.#gateway.newId(),
      key: idempotencyKeyIn(id),
      address: this.#connection.address,
      purpose: undefined,
      traceparent: undefined,
    });
    const handled = door.handle(parsed.data, by);
    return { handled: door.settles ? this.#settled(handled) : handled };
  }

  /** The same, once the read models show it and sockets were told; it is done in any case. */
  async #settled<Outcome>(handled: Promise<Outcome>): Promise<Outcome> {
    const outcome = await handled;
    await this.#gateway.settled().catch((error: unknown) => this.#gateway.problem(error));
    await this.#gateway.told();
    return outcome;
  }

  #slowedDown(retryAfterSeconds: number): Rejection {
    const now = performance.now();
    this.#refusals = now - this.#refusedAt > QUIET_MS ? 1 : this.#refusals + 1;
    this.#refusedAt = now;
    if (this.#refusals >= MOST_REFUSALS) this.#connection.end(close.rateLimited, "slow down");
    return { ...reject("rate-limited", "slow down"), retryAfterSeconds };
  }

  #done(id: string, outcome: Awaited<ReturnType<OpenDoor["handle"]>>): void {
    this.#underWay--;
    this.#answer(id, outcome);
  }

  #answer(id: string, outcome: Awaited<ReturnType<OpenDoor["handle"]>>): void {
    if (!isRejection(outcome)) {
      const body = typeof outcome.body === "object" ? outcome.body : {};
      return this.#connection.send({ ...body, type: "ack", id });
    }
    const { rejected: code, errors, retryAfterSeconds } = outcome;
    // What is not there and what one may not know of read alike.
    const detail = code === "not-found" ? "not found" : outcome.detail;
    this.#connection.send({
      type: "reject",
      id,
      code,
      detail,
      ...(errors ? { errors } : {}),
      ...(retryAfterSeconds === undefined ? {} : { retryAfter: retryAfterSeconds }),
    });
  }
}
