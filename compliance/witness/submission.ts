import { base64Of, fromBase64 } from "../verifier/bytes.ts";
import type { Hash } from "../verifier/merkle.ts";

/** What a log gives a witness: a checkpoint, and that it goes on from what the witness knows. */
export interface Submission {
  /** The size that the witness saw last; 0 if none. */
  readonly old: number;
  readonly path: readonly Hash[];
  /** The signed note. */
  readonly checkpoint: string;
}

/** The answer of a witness that knows another size, which is its body. */
export const SIZE_TYPE = "text/x.tlog.size";
const MOST_HASHES = 63;

/** The body of a request. @see https://c2sp.org/tlog-witness */
export const submissionText = ({ old, path, checkpoint }: Submission): string =>
  [`old ${old}`, ...path.map(base64Of), "", checkpoint].join("\n");

/** @throws SyntaxError */
export function parseSubmission(body: string): Submission {
  const split = body.indexOf("\n\n");
  const [first = "", ...hashes] = body.slice(0, Math.max(0, split)).split("\n");
  const [, old] = /^old (0|[1-9]\d{0,15})$/.exec(first) ?? [];
  if (old === undefined) throw new SyntaxError("the first line is not: old <size>");
  if (hashes.length > MOST_HASHES) throw new SyntaxError(`a proof has at most ${MOST_HASHES} hashes`);
  const path = hashes.map(fromBase64);
  if (path.some(({ length }) => length !== 32)) throw new SyntaxError("a hash of the proof has not 32 bytes");
  return { old: Number(old), path, checkpoint: body.slice(split + 2) };
}
