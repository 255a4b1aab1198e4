import { base64Of, fromBase64 } from "./bytes.ts";
import type { Hash } from "./merkle.ts";
import { parseNote, type VerifierKey, verifiedText } from "./note.ts";

/** How far a log went, and the root over all of it. */
export interface Checkpoint {
  /** The log's name, which no other log has. */
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
}

/** What is signed. @see https://c2sp.org/tlog-checkpoint */
export const checkpointText = ({ origin, size, root }: Checkpoint): string => `${origin}\n${size}\n${base64Of(root)}\n`;

/** @throws SyntaxError */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin, size, root, ...extensions] = text.slice(0, -1).split("\n");
  if (!origin || !size || !root || !text.endsWith("\n") || extensions.includes(""))
    throw new SyntaxError("not a checkpoint: it has not three lines");
  if (!/^(0|[1-9]\d{0,15})$/.test(size)) throw new SyntaxError("not a checkpoint: its size is no number");
  const hash = fromBase64(root);
  if (hash.length !== 32) throw new SyntaxError("not a checkpoint: its root has not 32 bytes");
  return { origin, size: Number(size), root: hash };
}

/** The checkpoint of a signed note. @throws SyntaxError, CheckpointNotSigned */
export async function openCheckpoint(note: string, keys: readonly VerifierKey[]): Promise<Checkpoint> {
  const parsed = parseNote(note);
  const text = await verifiedText(parsed, keys);
  if (text === undefined) throw new CheckpointNotSigned("the checkpoint is not signed by this key");
  const checkpoint = parseCheckpoint(text);
  if (!keys.some(({ name }) => name === checkpoint.origin))
    throw new CheckpointNotSigned("the checkpoint is of another log than the key");
  return checkpoint;
}

/** No key that is trusted signed it, or what it signed was altered. */
export class CheckpointNotSigned extends Error {
  override name = "CheckpointNotSigned";
}
