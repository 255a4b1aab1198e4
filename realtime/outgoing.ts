import type { Duplex } from "node:stream";

const COALESCE_MS = 2;

/** What may wait in one socket for a reader that is slower than what is sent. */
export const MOST_WAITING_BYTES = 4 * 1024 * 1024;

/**
 * The way out of one socket: encoded frames are gathered for a few milliseconds and written together. Frames of the
 * WebSocket library itself (pings, closing) may go between them, never into one.
 */
export class Outgoing {
  readonly #socket: Duplex;
  readonly #onTooSlow: () => void;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(socket: Duplex, onTooSlow: () => void) {
    this.#socket = socket;
    this.#onTooSlow = onTooSlow;
  }

  send(frame: Buffer): void {
    if (this.#ended) return;
    this.#gathered.push(frame);
    this.#gatheredBytes += frame.length;
    if (this.#gatheredBytes + this.#socket.writableLength > MOST_WAITING_BYTES) {
      this.end();
      this.#onTooSlow();
      return;
    }
    this.#timer ??= setTimeout(() => this.flush(), COALESCE_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#gathered.length === 0 || this.#socket.writableEnded || this.#socket.destroyed) return;
    const [only] = this.#gathered;
    const bytes = this.#gathered.length === 1 && only ? only : Buffer.concat(this.#gathered, this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#socket.write(bytes);
  }

  /** Resolves when little waits any more, or nothing ever will. */
  async drained(): Promise<void> {
    this.flush();
    while (!this.#ended && !this.#socket.destroyed && this.#socket.writableNeedDrain)
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#socket.off("drain", done);
          this.#socket.off("close", done);
          resolve();
        };
        this.#socket.once("drain", done);
        this.#socket.once("close", done);
      });
  }

  /** Nothing more goes out; what was gathered is dropped. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }
}
