import { type Hash, nodeHash } from "./merkle.ts";

/** A leaf at its place. */
export interface PlacedLeaf {
  readonly index: number;
  readonly leaf: Hash;
}

/** The largest power of two below n. @see RFC 6962 §2.1 */
export const splitOf = (n: number): number => 2 ** Math.floor(Math.log2(n - 1));

/**
 * The root that one proof of several leaves leads to, or undefined where it has not the length that it must have. The
 * proof holds, from left to right, the roots of the largest subtrees in which none of the leaves lies. Of one leaf it is
 * an inclusion proof of RFC 6962 in another order.
 * @param leaves by rising index
 */
export function rootByInclusions(
  leaves: readonly PlacedLeaf[],
  size: number,
  proof: readonly Hash[],
): Hash | undefined {
  const isRising = leaves.every(({ index }, at) => index > (leaves[at - 1]?.index ?? -1));
  if (leaves.length === 0 || !isRising || !Number.isSafeInteger(size) || (leaves.at(-1)?.index ?? size) >= size)
    return undefined;
  let nextLeaf = 0;
  let nextHash = 0;
  const rootOf = (from: number, beyond: number): Hash | undefined => {
    const next = leaves[nextLeaf];
    if (!next || next.index >= beyond) return proof[nextHash++];
    if (beyond - from === 1) {
      nextLeaf++;
      return next.leaf;
    }
    const middle = from + splitOf(beyond - from);
    const left = rootOf(from, middle);
    const right = rootOf(middle, beyond);
    return left && right && nodeHash(left, right);
  };
  const root = rootOf(0, size);
  return nextHash === proof.length ? root : undefined;
}
