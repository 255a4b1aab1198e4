import { base64Of, fromBase64 } from "./bytes.ts";
import type { Hash } from "./merkle.ts";

/** That an entry is at an index of the log, under a checkpoint. */
export interface TlogProof {
  readonly index: number;
  readonly path: readonly Hash[];
  /** The signed note. */
  readonly checkpoint: string;
}

const HEADER = "c2sp.org/tlog-proof@v1";

/** @see https://c2sp.org/tlog-proof */
export const tlogProofText = ({ index, path, checkpoint }: TlogProof): string =>
  [HEADER, `index ${index}`, ...path.map(base64Of), "", checkpoint].join("\n");

/** @throws SyntaxError */
export function parseTlogProof(text: string): TlogProof {
  const split = text.indexOf("\n\n");
  const [header, ...lines] = text.slice(0, Math.max(0, split)).split("\n");
  if (split < 0 || header !== HEADER) throw new SyntaxError(`not a proof: it does not begin with ${HEADER}`);
  const [first, ...hashes] = lines[0]?.startsWith("extra ") ? lines.slice(1) : lines;
  const [, index] = /^index (0|[1-9]\d{0,15})$/.exec(first ?? "") ?? [];
  if (index === undefined) throw new SyntaxError("not a proof: it has no index");
  const path = hashes.map(fromBase64);
  if (path.some(({ length }) => length !== 32)) throw new SyntaxError("not a proof: a hash has not 32 bytes");
  return { index: Number(index), path, checkpoint: text.slice(split + 2) };
}
