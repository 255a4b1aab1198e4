import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { z } from "zod";

const Remembered = z.object({ epoch: z.int(), position: z.int() });

/** How far the log has been seen. */
export type Remembered = z.infer<typeof Remembered>;

const INTERVAL_MS = 1_000;

/**
 * A small file outside the database that tells how far the log went, so that a database put back to an earlier state is
 * noticed. Written at most once a second; it may lag, never lead.
 */
export class RememberedPosition {
  readonly #file: string;
  #last: Remembered | undefined;
  #written: Remembered | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  readonly #onError: (error: unknown) => void;

  /** @param onError is told when the file could not be written; the next position tries again */
  constructor(file: string, onError: (error: unknown) => void) {
    this.#file = file;
    this.#onError = onError;
    this.#last = this.#written = read(file);
  }

  get last(): Remembered | undefined {
    return this.#last;
  }

  saw(epoch: number, position: number): void {
    const behind =
      this.#last && (epoch < this.#last.epoch || (epoch === this.#last.epoch && position <= this.#last.position));
    if (behind) return;
    this.#last = { epoch, position };
    this.#timer ??= setTimeout(() => this.#write().catch(this.#onError), INTERVAL_MS).unref();
  }

  /** Writes what was seen last. */
  async close(): Promise<void> {
    await this.#write();
  }

  #write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing
      .catch(() => undefined)
      .then(async () => {
        if (!this.#last || this.#last === this.#written) return;
        const written = this.#last;
        await writeFile(`${this.#file}.new`, JSON.stringify(written), { mode: 0o600 });
        await rename(`${this.#file}.new`, this.#file);
        this.#written = written;
      });
    return this.#writing;
  }
}

function read(file: string): Remembered | undefined {
  try {
    return Remembered.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new Error(`${file} cannot be read: put it back, or remove it if the database is known to be whole`, {
      cause: error,
    });
  }
}
