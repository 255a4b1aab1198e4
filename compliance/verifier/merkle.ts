import { type Bytes, equal } from "./bytes.ts";
import { sha256 } from "./sha256.ts";

/** A node of the tree: 32 bytes. */
export type Hash = Uint8Array;

/** The root of a tree without leaves. */
export const emptyRoot = (): Bytes => sha256(new Uint8Array());

/** @see RFC 6962 §2.1 */
export function leafHash(entry: Uint8Array): Bytes {
  const input = new Uint8Array(1 + entry.length);
  input.set(entry, 1);
  return sha256(input);
}

const pair = new Uint8Array(65);
pair[0] = 1;

/** @see RFC 6962 §2.1 */
export function nodeHash(left: Hash, right: Hash): Bytes {
  pair.set(left, 1);
  pair.set(right, 33);
  return sha256(pair);
}

const half = (n: number): number => Math.floor(n / 2);
const isOdd = (n: number): boolean => n % 2 === 1;

/**
 * The root that an inclusion proof leads to, or undefined where the proof has not the length that it must have.
 * @see RFC 9162 §2.1.3.2
 */
export function rootByInclusion(leaf: Hash, index: number, size: number, path: readonly Hash[]): Hash | undefined {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return undefined;
  let fn = index;
  let sn = size - 1;
  let root = leaf;
  for (const sibling of path) {
    if (sn === 0) return undefined;
    if (isOdd(fn) || fn === sn) {
      root = nodeHash(sibling, root);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else root = nodeHash(root, sibling);
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 ? root : undefined;
}

/** True where the leaf is at that index of the tree of that root. */
export function includes(leaf: Hash, index: number, size: number, path: readonly Hash[], root: Hash): boolean {
  const found = rootByInclusion(leaf, index, size, path);
  return found !== undefined && equal(found, root);
}

interface Tree {
  readonly size: number;
  readonly root: Hash;
}

/**
 * True where the later tree begins with the whole of the earlier one.
 * @see RFC 9162 §2.1.4.2
 */
export function consistent(earlier: Tree, later: Tree, path: readonly Hash[]): boolean {
  if (earlier.size > later.size || earlier.size < 0) return false;
  if (earlier.size === later.size) return path.length === 0 && equal(earlier.root, later.root);
  if (earlier.size === 0) return path.length === 0 && equal(earlier.root, emptyRoot());
  let fn = earlier.size - 1;
  let sn = later.size - 1;
  while (isOdd(fn)) {
    fn = half(fn);
    sn = half(sn);
  }
  // Where the earlier tree is a whole subtree of the later one, its root is not said again.
  const [first, ...rest] = fn === 0 ? [earlier.root, ...path] : path;
  if (!first) return false;
  let before = first;
  let after = first;
  for (const sibling of rest) {
    if (sn === 0) return false;
    if (isOdd(fn) || fn === sn) {
      before = nodeHash(sibling, before);
      after = nodeHash(sibling, after);
      while (!isOdd(fn) && fn !== 0) {
        fn = half(fn);
        sn = half(sn);
      }
    } else after = nodeHash(after, sibling);
    fn = half(fn);
    sn = half(sn);
  }
  return sn === 0 && equal(before, earlier.root) && equal(after, later.root);
}
