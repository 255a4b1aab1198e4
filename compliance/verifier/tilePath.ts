/** Three digits at a time, all but the last with an `x` before them. */
function numberPath(n: number): string {
  const last = String(n % 1000).padStart(3, "0");
  let path = last;
  for (let rest = Math.floor(n / 1000); rest > 0; rest = Math.floor(rest / 1000))
    path = `x${String(rest % 1000).padStart(3, "0")}/${path}`;
  return path;
}

export interface Tile {
  /** 0 holds leaves, each next one the roots of the full tiles of the one below; `entries`: what was hashed. */
  readonly level: number | "entries";
  readonly n: number;
  /** Hashes or entries in it, from 1 to 256. */
  readonly width: number;
}

/** Such as `tile/0/x001/234.p/17`. @see https://c2sp.org/tlog-tiles */
export const tilePath = ({ level, n, width }: Tile): string =>
  `tile/${level}/${numberPath(n)}${width === 256 ? "" : `.p/${width}`}`;

const TILE = /^tile\/(entries|[0-9]|[1-5][0-9]|6[0-3])\/((?:x\d{3}\/)*\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** Undefined for what is no path of a tile, also where it is not written in the one way. */
export function parseTilePath(path: string): Tile | undefined {
  const [, level, digits, partial] = TILE.exec(path) ?? [];
  if (!level || !digits) return undefined;
  const n = Number(digits.replaceAll("x", "").replaceAll("/", ""));
  const width = partial === undefined ? 256 : Number(partial);
  const tile: Tile = { level: level === "entries" ? level : Number(level), n, width };
  return Number.isSafeInteger(n) && width <= 256 && tilePath(tile) === path ? tile : undefined;
}
