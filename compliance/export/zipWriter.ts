import { createHash } from "node:crypto";
import { PassThrough, Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { ZipFile } from "yazl";

/** A zip that is written as it comes: of its files only the names and hashes are kept. */
export class ZipWriter {
  /** The bytes of the zip. */
  readonly output = new PassThrough();
  readonly #zip = new ZipFile();
  readonly #mtime: Date;
  readonly #signal: AbortSignal;
  /** A line a file, as `sha256sum` writes it. */
  readonly #sums: string[] = [];

  /** @param signal ends what is being written */
  constructor(mtime: Date, signal: AbortSignal) {
    this.#mtime = mtime;
    this.#signal = signal;
    // What a file breaks off with, whoever adds it is told.
    this.#zip.on("error", () => {});
    this.#zip.outputStream.pipe(this.output);
  }

  /** Resolves once whoever reads the zip has taken all of it but what buffers hold. */
  async add(path: string, pieces: AsyncIterable<string> | Iterable<string>): Promise<void> {
    const sum = createHash("sha256");
    const source = Readable.from(hashed(pieces, sum), { objectMode: false, signal: this.#signal });
    this.#zip.addReadStream(source, path, { mtime: this.#mtime, mode: 0o100644, compressionLevel: 1 });
    await finished(source, { signal: this.#signal }).catch((error: unknown) => {
      // Rather why it was stopped than that it was.
      this.#signal.throwIfAborted();
      throw error;
    });
    this.#sums.push(`${sum.digest("hex")}  ${path}\n`);
  }

  /** The sums of all files so far. */
  get sums(): readonly string[] {
    return this.#sums;
  }

  end(): void {
    this.#zip.end();
  }
}

async function* hashed(
  pieces: AsyncIterable<string> | Iterable<string>,
  sum: ReturnType<typeof createHash>,
): AsyncGenerator<Buffer> {
  for await (const piece of pieces) {
    if (piece === "") continue;
    const bytes = Buffer.from(piece, "utf8");
    sum.update(bytes);
    yield bytes;
  }
}
