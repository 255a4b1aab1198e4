import type { Queryable } from "../../infra/ports/database.ts";
import { InconsistentLog } from "../../infra/ports/logSigner.ts";
import { Edge, perfectRoot, TILE_WIDTH } from "../verifier/edge.ts";
import { splitOf } from "../verifier/inclusions.ts";
import { type Hash, nodeHash } from "../verifier/merkle.ts";

/** Hashes that lie side by side at one level of tiles. */
export interface Run {
  readonly level: number;
  readonly first: number;
  readonly count: number;
}

/** The hashes of each run, in order; a run of which any is missing is shorter. */
export async function hashesOf(queryable: Queryable, runs: readonly Run[]): Promise<Hash[][]> {
  const found = runs.map((): Hash[] => []);
  if (runs.length === 0) return found;
  const { rows } = await queryable.query<{ at: number; hash: Buffer }>(
    `select r.at::integer as at, h.hash
     from unnest($1::smallint[], $2::bigint[], $3::bigint[]) with ordinality as r(level, first, beyond, at)
     cross join lateral (
       select e.index as n, e.leaf as hash from tlog.entries e
       where r.level = 0 and e.index >= r.first and e.index < r.beyond
       union all
       select t.n, t.hash from tlog.roots t where t.level = r.level and t.n >= r.first and t.n < r.beyond
     ) h order by r.at, h.n`,
    [runs.map(({ level }) => level), runs.map(({ first }) => first), runs.map(({ first, count }) => first + count)],
    "tlog-hashes",
  );
  for (const { at, hash } of rows) found[at - 1]?.push(hash);
  return found;
}

/** The right edge of the tree as it was at a size. @throws InconsistentLog where hashes of it are missing */
export async function edgeAt(queryable: Queryable, size: number): Promise<Edge> {
  const runs: Run[] = [];
  for (let level = 0, at = size; at > 0; level++, at = Math.floor(at / TILE_WIDTH))
    runs.push({ level, first: at - (at % TILE_WIDTH), count: at % TILE_WIDTH });
  const levels = await hashesOf(queryable, runs);
  if (levels.some((hashes, level) => hashes.length !== runs[level]?.count))
    throw new InconsistentLog(`the tree of ${size} entries is not whole`);
  return new Edge(size, levels);
}

/** From a leaf to a leaf that is no more part of it. */
type Range = readonly [from: number, beyond: number];

/** What a proof is made of: subtrees, from the lowest to the highest. @see RFC 6962 §2.1.1 */
function inclusionRanges(index: number, from: number, beyond: number): Range[] {
  const count = beyond - from;
  if (count <= 1) return [];
  const middle = from + splitOf(count);
  return index < middle
    ? [...inclusionRanges(index, from, middle), [middle, beyond]]
    : [...inclusionRanges(index, middle, beyond), [from, middle]];
}

/** @see RFC 6962 §2.1.2 */
function consistencyRanges(size: number, from: number, beyond: number, whole: boolean): Range[] {
  if (size === beyond) return whole ? [] : [[from, beyond]];
  const middle = from + splitOf(beyond - from);
  return size <= middle
    ? [...consistencyRanges(size, from, middle, whole), [middle, beyond]]
    : [...consistencyRanges(size, middle, beyond, false), [from, middle]];
}

/** A range as full subtrees, from the left: a range begins where a subtree of its size may. */
function subtreesOf([from, beyond]: Range): Run[] {
  const runs: Run[] = [];
  for (let at = from; at < beyond; ) {
    const height = Math.floor(Math.log2(beyond - at));
    const level = Math.floor(height / 8);
    runs.push({ level, first: at / TILE_WIDTH ** level, count: 2 ** (height % 8) });
    at += 2 ** height;
  }
  return runs;
}

/** The root over each of these ranges. @throws where hashes are missing */
async function rootsOf(queryable: Queryable, ranges: readonly Range[]): Promise<Hash[]> {
  const subtrees = ranges.map(subtreesOf);
  const runs = subtrees.flat();
  const hashes = await hashesOf(queryable, runs);
  if (hashes.some((found, at) => found.length !== runs[at]?.count)) throw new Error("the tree is not that large yet");
  let next = 0;
  return subtrees.map((parts) => {
    const roots = parts.map(() => perfectRoot(hashes[next++] ?? []));
    return roots.reduceRight((right, left) => nodeHash(left, right));
  });
}

/** That the entry at an index is in the tree of a size. @throws where the tree is not that large */
export const inclusionProof = (queryable: Queryable, index: number, size: number): Promise<Hash[]> =>
  rootsOf(queryable, inclusionRanges(index, 0, size));

/** That the tree of a size begins with the one of an earlier size. @throws where the tree is not that large */
export const consistencyProof = async (queryable: Queryable, earlier: number, size: number): Promise<Hash[]> =>
  earlier === 0 || earlier === size ? [] : rootsOf(queryable, consistencyRanges(earlier, 0, size, true));

/** The largest subtrees of a tree in which none of these leaves lies, from left to right. */
function rangesBeside(indexes: readonly number[], size: number): Range[] {
  const ranges: Range[] = [];
  let next = 0;
  const walk = (from: number, beyond: number) => {
    const index = indexes[next];
    if (index === undefined || index >= beyond) ranges.push([from, beyond]);
    else if (beyond - from === 1) next++;
    else {
      const middle = from + splitOf(beyond - from);
      walk(from, middle);
      walk(middle, beyond);
    }
  };
  walk(0, size);
  return ranges;
}

const RANGES_AT_ONCE = 1_000;

/**
 * That the entries at these indexes, which rise, are in the tree of a size, all by one proof.
 * @see rootByInclusions
 * @throws where the tree is not that large
 */
export async function inclusionsProof(queryable: Queryable, indexes: readonly number[], size: number): Promise<Hash[]> {
  const ranges = rangesBeside(indexes, size);
  const hashes: Hash[] = [];
  for (let at = 0; at < ranges.length; at += RANGES_AT_ONCE)
    hashes.push(...(await rootsOf(queryable, ranges.slice(at, at + RANGES_AT_ONCE))));
  return hashes;
}
