import { equal } from "./bytes.ts";
import { type Checkpoint, openCheckpoint } from "./checkpoint.ts";
import { Edge, TILE_WIDTH, tileHashes } from "./edge.ts";
import { ENTRY_BYTES, entryIndex, TAG_AT } from "./entry.ts";
import { type Hash, leafHash } from "./merkle.ts";
import type { VerifierKey } from "./note.ts";
import { TagSet } from "./tags.ts";
import { type Tile, tilePath } from "./tilePath.ts";

/** A log as a server or a folder gives it: `checkpoint`, `tile/0/000`, `tile/entries/000`, … */
export type LogSource = (path: string) => Promise<Uint8Array>;

/** What is not as the log promised. `what` names where. */
export class LogFault extends Error {
  override name = "LogFault";
}

export interface Followed {
  readonly checkpoint: Checkpoint;
  /** The signed note, to be kept: the next time the log must go on from it. */
  readonly note: string;
}

/**
 * Follows a whole log from its first entry: every entry is hashed, every tile compared, every tag looked for twice, and the
 * root held against the signed checkpoint and against the one that was seen last.
 * @param lastNote the checkpoint that was kept from the last time
 * @throws LogFault, CheckpointNotSigned, SyntaxError
 */
export async function followLog(
  source: LogSource,
  keys: readonly VerifierKey[],
  lastNote?: string,
  onProgress: (entries: number, of: number) => void = () => {},
): Promise<Followed> {
  const note = new TextDecoder().decode(await source("checkpoint"));
  const checkpoint = await openCheckpoint(note, keys);
  const last = lastNote === undefined ? undefined : await openCheckpoint(lastNote, keys);
  if (last && last.origin !== checkpoint.origin)
    throw new LogFault(`the log is now called ${checkpoint.origin}, and was ${last.origin} when it was seen last`);
  if (last && last.size > checkpoint.size)
    throw new LogFault(`the log has shrunk: ${checkpoint.size} entries, and ${last.size} when it was seen last`);
  const edge = new Edge();
  const tags = new TagSet();
  /** Roots of full tiles by the level that they lie at. */
  const roots: Hash[][] = [];
  const keepRoot = (level: number, _: readonly Hash[], root: Hash) => {
    roots[level + 1] ??= [];
    roots[level + 1]?.push(root);
  };
  for (let n = 0; n * TILE_WIDTH < checkpoint.size; n++) {
    const width = Math.min(TILE_WIDTH, checkpoint.size - n * TILE_WIDTH);
    const entries = entriesIn(await source(tilePath({ level: "entries", n, width })), width, n);
    const hashes = await hashesIn(source, { level: 0, n, width });
    for (const [at, bytes] of entries.entries()) {
      const index = n * TILE_WIDTH + at;
      const leaf = leafHash(bytes);
      checkEntry(bytes, index, tags);
      if (!equal(leaf, hashes[at] ?? NO_HASH)) throw new LogFault(`entry ${index}: it is not what the tree has there`);
      edge.append(leaf, keepRoot);
      if (edge.size === last?.size) checkRoot(edge, last, "the checkpoint that was seen last");
    }
    onProgress(edge.size, checkpoint.size);
  }
  checkRoot(edge, checkpoint, "its checkpoint");
  for (const [level, known] of roots.entries()) if (level > 0) await checkUpperTiles(source, level, known ?? []);
  return { checkpoint, note };
}

const NO_HASH = new Uint8Array(0);

async function hashesIn(source: LogSource, tile: Tile): Promise<Hash[]> {
  const hashes = tileHashes(await source(tilePath(tile)));
  if (hashes.length !== tile.width) throw new LogFault(`${tilePath(tile)}: it has not ${tile.width} hashes`);
  return hashes;
}

async function checkUpperTiles(source: LogSource, level: number, known: readonly Hash[]): Promise<void> {
  for (let n = 0; n * TILE_WIDTH < known.length; n++) {
    const width = Math.min(TILE_WIDTH, known.length - n * TILE_WIDTH);
    const tile = { level, n, width };
    for (const [at, hash] of (await hashesIn(source, tile)).entries())
      if (!equal(hash, known[n * TILE_WIDTH + at] ?? NO_HASH))
        throw new LogFault(`${tilePath(tile)}: its hash ${at} is not that of the tile below`);
  }
}

/** @see https://c2sp.org/tlog-tiles: each entry preceded by its length as u16 */
function entriesIn(bundle: Uint8Array, width: number, n: number): Uint8Array[] {
  const view = new DataView(bundle.buffer, bundle.byteOffset, bundle.byteLength);
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    const size = at + 2 <= bundle.length ? view.getUint16(at) : 0;
    if (size !== ENTRY_BYTES || at + 2 + size > bundle.length)
      throw new LogFault(`entry ${n * TILE_WIDTH + entries.length}: it has not ${ENTRY_BYTES} bytes`);
    entries.push(bundle.subarray(at + 2, at + 2 + size));
    at += 2 + size;
  }
  if (entries.length !== width) throw new LogFault(`entries ${n * TILE_WIDTH}…: ${entries.length} instead of ${width}`);
  return entries;
}

function checkEntry(bytes: Uint8Array, index: number, tags: TagSet): void {
  const said = entryIndex(bytes);
  if (said !== index) throw new LogFault(`entry ${index}: it says that it is entry ${said}`);
  if (!tags.add(bytes, TAG_AT)) throw new LogFault(`entry ${index}: its event was logged before`);
}

function checkRoot(edge: Edge, { size, root }: Checkpoint, of: string): void {
  if (!equal(edge.root(), root)) throw new LogFault(`the tree of ${size} entries is not that of ${of}`);
}
