import { crc32 } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { ArchiveFault } from "./archiveFault.ts";

/** The files of a zip, by name. They are read one at a time, each whole. */
export interface ZipArchive {
  readonly names: readonly string[];
  /** @throws ArchiveFault naming the entry */
  read(name: string): Promise<Buffer>;
  close(): void;
}

/** Far above any day of any channel, and far below what could fill the memory. */
const LARGEST_ENTRY_BYTES = 256 * 1024 * 1024;

/** Opens a zip whose every name and size was looked at. @throws ArchiveFault */
export async function openZip(path: string): Promise<ZipArchive> {
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false }).catch((error: unknown) => {
    if (error instanceof Error && "code" in error) throw new ArchiveFault(`${path} cannot be read: ${error.message}`);
    throw new ArchiveFault(`${path} is not a zip archive, or is cut off`, { cause: error });
  });
  try {
    const entries = await filesOf(zip, path);
    return {
      names: [...entries.keys()],
      async read(name) {
        const entry = entries.get(name);
        if (!entry) throw new ArchiveFault(`${path} holds no ${name}`);
        return contentOf(zip, entry);
      },
      close: () => zip.close(),
    };
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function filesOf(zip: ZipFile, path: string): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>();
  try {
    for await (const entry of zip.eachEntry()) {
      const { fileName: name, uncompressedSize: sizeBytes } = entry;
      if (name.endsWith("/")) continue;
      if (entries.has(name)) throw new ArchiveFault(`${path} holds ${name} twice`);
      if (sizeBytes > LARGEST_ENTRY_BYTES)
        throw new ArchiveFault(
          `${name} in ${path} would take ${sizeBytes} bytes; more than ${LARGEST_ENTRY_BYTES} is not read`,
        );
      entries.set(name, entry);
    }
  } catch (error) {
    if (error instanceof ArchiveFault) throw error;
    const last = [...entries.keys()].at(-1);
    const after = last === undefined ? "its first entry" : `the entry after ${last}`;
    throw new ArchiveFault(`${path}: ${after} is not to be trusted: ${messageOf(error)}`, { cause: error });
  }
  return entries;
}

async function contentOf(zip: ZipFile, entry: Entry): Promise<Buffer> {
  const name = entry.fileName;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk);
  } catch (error) {
    throw new ArchiveFault(`${name} cannot be unpacked: ${messageOf(error)}`, { cause: error });
  }
  const bytes = Buffer.concat(chunks);
  if (crc32(bytes) !== entry.crc32) throw new ArchiveFault(`${name} was damaged: its checksum does not fit`);
  return bytes;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
