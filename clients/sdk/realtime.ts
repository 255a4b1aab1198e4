import { pause } from "./backoff.ts";
import { afterClose, type Next } from "./closing.ts";
import type { ClientFrame, ServerFrame } from "./contract.ts";
import type { Entry } from "./outbox.ts";
import { isScriptaError, ScriptaError } from "./problem.ts";
import type { Session } from "./session.ts";
import { openSocket, type Socket } from "./socket.ts";

export type Status =
  | { readonly status: "offline" }
  | { readonly status: "connecting" }
  | { readonly status: "catching-up" }
  | { readonly status: "live" }
  /** The next attempt comes by itself. */
  | { readonly status: "waiting"; readonly forMs: number }
  /** For good: somebody must sign in, or say `connect` again. */
  | { readonly status: "stopped"; readonly why: "signed-out" | "replaced" | "not-allowed" };

interface Parts {
  readonly url: string;
  readonly session: Session;
  /** The last one whose changes this device holds. */
  readonly cursor: () => string | null;
  readonly onFrame: (frame: ServerFrame) => void;
  readonly onStatus: (status: Status) => void;
}

interface InFlight {
  readonly resolve: (answer: object) => void;
  readonly reject: (error: ScriptaError) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** After this without an answer the connection is given up, and the command sent again on the next. */
const ANSWER_MS = 20_000;

/** Keeps one connection up for as long as it is wanted, resuming from the cursor each time. */
export class Realtime {
  readonly #parts: Parts;
  readonly #inFlight = new Map<string, InFlight>();
  #status: Status = { status: "offline" };
  #socket: Socket | undefined;
  #wanted: AbortController | undefined;
  #hurry = new AbortController();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  get status(): Status {
    return this.#status;
  }

  get live(): boolean {
    return this.#status.status === "live";
  }

  /** Also while it waits for its next attempt, which then comes at once. */
  start(): void {
    this.hurry();
    if (this.#wanted) return;
    this.#wanted = new AbortController();
    void this.#run(this.#wanted.signal);
  }

  /** The server is known to be there again: if an attempt is being waited for, it comes at once. */
  hurry(): void {
    this.#hurry.abort();
    this.#hurry = new AbortController();
  }

  stop(): void {
    this.#wanted?.abort();
    this.#wanted = undefined;
    this.#socket?.close();
    this.#become({ status: "offline" });
  }

  send(frame: ClientFrame): boolean {
    return this.#socket?.send(frame) ?? false;
  }

  /** Resolves with the ack. Throws `network` when the connection ends before, so that nobody knows what became of it. */
  command({ id, name, payload }: Entry): Promise<object> {
    return new Promise((resolve, reject) => {
      if (!this.send({ type: "command", id, name, payload })) return reject(lost());
      const timer = setTimeout(() => this.#socket?.close(), ANSWER_MS);
      this.#inFlight.set(id, { resolve, reject, timer });
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    let attempt = 0;
    let renew = false;
    while (!signal.aborted) {
      this.#become({ status: "connecting" });
      const { code, live } = await this.#once(renew, signal);
      if (signal.aborted) return;
      const next: Next = this.#parts.session.ended
        ? { do: "stop", why: "signed-out" }
        : afterClose({ code, live, attempt: live ? 0 : attempt, renewed: renew && !live });
      if (next.do === "stop") {
        this.#wanted = undefined;
        this.#become({ status: "stopped", why: next.why });
        return;
      }
      attempt = live ? 1 : attempt + 1;
      renew = next.renew ?? false;
      if (next.afterMs > 0) {
        this.#become({ status: "waiting", forMs: next.afterMs });
        await pause(next.afterMs, AbortSignal.any([signal, this.#hurry.signal]));
      }
    }
  }

  async #once(renew: boolean, signal: AbortSignal): Promise<{ code: number; live: boolean }> {
    const { session, url } = this.#parts;
    const token = await (renew ? session.renew() : session.accessToken()).catch((error: unknown) => {
      if (!isScriptaError(error)) throw error;
      return undefined;
    });
    if (token === undefined || signal.aborted) return { code: 1006, live: false };
    let live = false;
    const ended = Promise.withResolvers<number>();
    const socket = openSocket(url, {
      onOpen: () => {
        const cursor = this.#parts.cursor();
        this.#become({ status: "catching-up" });
        this.send({ type: "hello", token, ...(cursor === null ? {} : { cursor }) });
      },
      onFrame: (frame) => {
        live ||= frame.type === "live";
        this.#handle(frame);
      },
      onClose: ended.resolve,
    });
    this.#socket = socket;
    const code = await ended.promise;
    if (this.#socket === socket) this.#socket = undefined;
    for (const { reject, timer } of this.#inFlight.values()) {
      clearTimeout(timer);
      reject(lost());
    }
    this.#inFlight.clear();
    return { code, live };
  }

  #handle(frame: ServerFrame): void {
    switch (frame.type) {
      case "ack": {
        const { type: _type, id, ...answer } = frame;
        this.#answered(id)?.resolve(answer);
        return;
      }
      case "reject": {
        const { id, code, detail, retryAfter } = frame;
        const retryAfterMs = retryAfter === undefined ? undefined : retryAfter * 1000;
        this.#answered(id)?.reject(new ScriptaError(code, detail ?? code, { retryAfterMs }));
        return;
      }
      case "expiring":
        void this.#renew();
        return;
      case "live":
        this.#parts.onFrame(frame);
        this.#become({ status: "live" });
        return;
      default:
        this.#parts.onFrame(frame);
    }
  }

  #answered(id: string): InFlight | undefined {
    const waiting = this.#inFlight.get(id);
    clearTimeout(waiting?.timer);
    this.#inFlight.delete(id);
    return waiting;
  }

  /** Where it fails the server closes with 4001, and the next connection decides. */
  async #renew(): Promise<void> {
    try {
      this.send({ type: "renew", token: await this.#parts.session.renew() });
    } catch (error) {
      if (!isScriptaError(error)) throw error;
    }
  }

  #become(status: Status): void {
    if (status.status === this.#status.status && status.status === "offline") return;
    this.#status = status;
    this.#parts.onStatus(status);
  }
}

const lost = () => new ScriptaError("network", "the connection ended before the answer");
