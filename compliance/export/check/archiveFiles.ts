import { createHash } from "node:crypto";
import { type Entry, openPromise, type ZipFile } from "yauzl";

/** What is no archive at all, or breaks off. */
export class BrokenArchive extends Error {
  override name = "BrokenArchive";
}

/** A part of it is not there. */
export class MissingPart extends BrokenArchive {
  override name = "MissingPart";
}

/** The files of an archive on disk; read as they are asked for, never whole. */
export interface ArchiveFiles {
  readonly names: readonly string[];
  /** @throws BrokenArchive */
  read(name: string): AsyncGenerator<Buffer>;
  close(): void;
}

/** @throws BrokenArchive */
export async function openArchive(path: string): Promise<ArchiveFiles> {
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false }).catch((cause: unknown) => {
    if (cause instanceof Error && "code" in cause) throw cause;
    throw new MissingPart("it is no zip archive, or it breaks off before its end", { cause });
  });
  try {
    const entries = await entriesOf(zip);
    return {
      names: [...entries.keys()],
      read: (name) => read(zip, entries.get(name), name),
      close: () => zip.close(),
    };
  } catch (cause) {
    zip.close();
    throw cause instanceof BrokenArchive ? cause : new BrokenArchive("its directory cannot be read", { cause });
  }
}

async function entriesOf(zip: ZipFile): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  for await (const entry of zip.eachEntry()) {
    if (entries.has(entry.fileName)) throw new BrokenArchive(`it holds ${entry.fileName} twice`);
    entries.set(entry.fileName, entry);
  }
  return entries;
}

async function* read(zip: ZipFile, entry: Entry | undefined, name: string): AsyncGenerator<Buffer> {
  if (!entry) throw new MissingPart(`${name} is missing`);
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) yield chunk;
  } catch (cause) {
    throw new BrokenArchive(`${name} cannot be unpacked`, { cause });
  }
}

/** Far above what any line of ours holds, and far below what fills the memory. */
const LONGEST_LINE_BYTES = 8 * 1024 * 1024;

/** The lines of a file, each without its line feed. @throws BrokenArchive */
export async function* linesOf(bytes: AsyncIterable<Buffer>, name: string): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of bytes) {
    const whole = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let at = whole.indexOf(10); at >= 0; at = whole.indexOf(10, from)) {
      yield whole.toString("utf8", from, at);
      from = at + 1;
    }
    rest = whole.subarray(from);
    if (rest.length > LONGEST_LINE_BYTES) throw new BrokenArchive(`${name} has a line without an end`);
  }
  if (rest.length > 0) throw new BrokenArchive(`${name} breaks off in a line`);
}

/** The same bytes; `sum` has taken them once they are read. */
export async function* summed(
  bytes: AsyncIterable<Buffer>,
  sum: ReturnType<typeof createHash>,
): AsyncGenerator<Buffer> {
  for await (const chunk of bytes) {
    sum.update(chunk);
    yield chunk;
  }
}

export async function wholeText(bytes: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** SHA-256 in hex. */
export async function sumOf(bytes: AsyncIterable<Buffer>): Promise<string> {
  const sum = createHash("sha256");
  for await (const chunk of bytes) sum.update(chunk);
  return sum.digest("hex");
}
