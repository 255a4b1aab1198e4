import { type Bytes, concat } from "./bytes.ts";
import { emptyRoot, type Hash, nodeHash } from "./merkle.ts";

/** Hashes a tile holds when it is full. @see https://c2sp.org/tlog-tiles */
export const TILE_WIDTH = 256;

/** The root of one full tile, or of as many hashes as any power of two. */
export function perfectRoot(hashes: readonly Hash[]): Hash {
  let level = hashes;
  while (level.length > 1) {
    const above: Hash[] = [];
    for (let at = 0; at + 1 < level.length; at += 2) above.push(nodeHash(level[at] ?? NONE, level[at + 1] ?? NONE));
    level = above;
  }
  return level[0] ?? NONE;
}
const NONE: Hash = new Uint8Array(32);

/**
 * The right edge of a growing tree: at each level of tiles the hashes that fill no tile yet, fewer than 256. It is all
 * that appending and the root take.
 */
export class Edge {
  readonly #levels: Hash[][];
  #size: number;

  /** @param levels of the tree of that size: the last `floor(size / 256^L) mod 256` hashes of each level L */
  constructor(size = 0, levels: readonly (readonly Hash[])[] = []) {
    this.#size = size;
    this.#levels = levels.map((hashes) => [...hashes]);
  }

  get size(): number {
    return this.#size;
  }

  get levels(): readonly (readonly Hash[])[] {
    return this.#levels;
  }

  /** `onFull` is told of each tile that this leaf fills, with its root, from level 0 upwards. */
  append(leaf: Hash, onFull?: (level: number, hashes: readonly Hash[], root: Hash) => void): void {
    this.#size++;
    let hash = leaf;
    for (let level = 0; ; level++) {
      const row = this.#levels[level] ?? [];
      this.#levels[level] = row;
      row.push(hash);
      if (row.length < TILE_WIDTH) return;
      this.#levels[level] = [];
      hash = perfectRoot(row);
      onFull?.(level, row, hash);
    }
  }

  /** The root of the tree as it is now. @see RFC 6962 §2.1 */
  root(): Hash {
    let root: Hash | undefined;
    for (const row of this.#levels) root = foldRow(row, root);
    return root ?? emptyRoot();
  }

  copy(): Edge {
    return new Edge(this.#size, this.#levels);
  }
}

/** The root over a row of equally high subtrees, with what stands to the right of them. */
function foldRow(row: readonly Hash[], right: Hash | undefined): Hash | undefined {
  let root = right;
  let end = row.length;
  for (let width = 1; end > 0; width *= 2) {
    if (end % (2 * width) === 0) continue;
    const subtree = perfectRoot(row.slice(end - width, end));
    root = root === undefined ? subtree : nodeHash(subtree, root);
    end -= width;
  }
  return root;
}

/** Hashes of a tile side by side, as they are served. */
export const tileBytes = (hashes: readonly Hash[]): Bytes => concat(...hashes);

export const tileHashes = (bytes: Uint8Array): Hash[] =>
  Array.from({ length: Math.floor(bytes.length / 32) }, (_, at) => bytes.subarray(32 * at, 32 * at + 32));
