import fc from "fast-check";
import { expect, test } from "vitest";
import { fromHex, hexOf } from "./bytes.ts";
import { Edge } from "./edge.ts";
import { consistent, emptyRoot, type Hash, includes, leafHash, nodeHash } from "./merkle.ts";

/** The leaves and roots that the Certificate Transparency project tests its own trees with. */
const inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const roots = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/** As RFC 6962 §2.1 writes it down: slow, and nothing to get wrong. */
function root(leaves: readonly Hash[]): Hash {
  if (leaves.length === 0) return emptyRoot();
  if (leaves.length === 1) return leaves[0] ?? emptyRoot();
  const k = split(leaves.length);
  return nodeHash(root(leaves.slice(0, k)), root(leaves.slice(k)));
}
const split = (n: number): number => 2 ** Math.floor(Math.log2(n - 1));
function inclusion(m: number, leaves: readonly Hash[]): Hash[] {
  if (leaves.length === 1) return [];
  const k = split(leaves.length);
  return m < k
    ? [...inclusion(m, leaves.slice(0, k)), root(leaves.slice(k))]
    : [...inclusion(m - k, leaves.slice(k)), root(leaves.slice(0, k))];
}
function consistency(m: number, leaves: readonly Hash[], whole = true): Hash[] {
  if (m === leaves.length) return whole ? [] : [root(leaves)];
  const k = split(leaves.length);
  return m <= k
    ? [...consistency(m, leaves.slice(0, k), whole), root(leaves.slice(k))]
    : [...consistency(m - k, leaves.slice(k), false), root(leaves.slice(0, k))];
}

const leavesOf = (count: number): Hash[] => Array.from({ length: count }, (_, n) => leafHash(Uint8Array.of(n, n >> 8)));
const edgeOf = (leaves: readonly Hash[]): Edge => {
  const edge = new Edge();
  for (const leaf of leaves) edge.append(leaf);
  return edge;
};
const flipped = (hash: Hash): Hash => hash.map((byte, at) => (at === 7 ? byte ^ 1 : byte));

test("trees have the roots of RFC 6962's vectors", () => {
  expect(hexOf(emptyRoot())).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const leaves = inputs.map((input) => leafHash(fromHex(input)));
  roots.forEach((expected, at) => {
    expect(hexOf(root(leaves.slice(0, at + 1)))).toBe(expected);
    expect(hexOf(edgeOf(leaves.slice(0, at + 1)).root())).toBe(expected);
  });
});

test("a growing tree has the root of the whole one, across tiles", () => {
  const edge = new Edge();
  const leaves = leavesOf(700);
  const full: number[] = [];
  leaves.forEach((leaf, at) => {
    edge.append(leaf, (level) => full.push(level));
    if (at % 37 === 0 || at > 505) expect(hexOf(edge.root())).toBe(hexOf(root(leaves.slice(0, at + 1))));
  });
  expect(full).toEqual([0, 0]);
});

test("a leaf is proven where it is, and nowhere else", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 90 }), fc.nat(), (size, any) => {
      const leaves = leavesOf(size);
      const index = any % size;
      const leaf = leaves[index] ?? emptyRoot();
      const path = inclusion(index, leaves);
      const top = root(leaves);
      expect(includes(leaf, index, size, path, top)).toBe(true);
      expect(includes(leaf, (index + 1) % size, size, path, top)).toBe(size === 1);
      expect(includes(flipped(leaf), index, size, path, top)).toBe(false);
      expect(includes(leaf, index, size, [...path, top], top)).toBe(false);
      path.forEach((_, at) => {
        const altered = path.map((hash, n) => (n === at ? flipped(hash) : hash));
        expect(includes(leaf, index, size, altered, top)).toBe(false);
      });
    }),
    { numRuns: 60 },
  );
});

test("a tree is consistent with its beginnings, and with nothing else", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), fc.nat(), (size, any) => {
      const leaves = leavesOf(size);
      const m = 1 + (any % size);
      const earlier = { size: m, root: root(leaves.slice(0, m)) };
      const later = { size, root: root(leaves) };
      const path = consistency(m, leaves);
      expect(consistent(earlier, later, path)).toBe(true);
      expect(consistent({ ...earlier, root: flipped(earlier.root) }, later, path)).toBe(false);
      expect(consistent(earlier, { ...later, root: flipped(later.root) }, path)).toBe(false);
      path.forEach((_, at) => {
        const altered = path.map((hash, n) => (n === at ? flipped(hash) : hash));
        expect(consistent(earlier, later, altered)).toBe(false);
      });
    }),
    { numRuns: 60 },
  );
});
