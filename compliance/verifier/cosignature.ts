import { concat, equal, utf8 } from "./bytes.ts";
import { parseNote, signatureLine, type VerifierKey, verify } from "./note.ts";

/** A witness that saw the log grow to this checkpoint and no other, and when. */
export interface Cosigner {
  readonly name: string;
  /** Milliseconds since 1970, by the witness's clock, in whole seconds. */
  readonly at: number;
}

/** What a witness signs of a checkpoint, at a time in whole seconds since 1970. @see https://c2sp.org/tlog-cosignature */
export const cosignedText = (seconds: number, checkpointText: string): string =>
  `cosignature/v1\ntime ${seconds}\n${checkpointText}`;

const TIME_BYTES = 8;
const SIGNATURE_BYTES = 64;

/** @param signature of `cosignedText`, Ed25519 */
export function cosignatureLine(witness: VerifierKey, seconds: number, signature: Uint8Array): string {
  const time = new Uint8Array(TIME_BYTES);
  new DataView(time.buffer).setBigUint64(0, BigInt(seconds));
  return signatureLine(witness, concat(time, signature));
}

/** Those of these witnesses who cosigned a checkpoint, each once. @throws SyntaxError on what is no note */
export async function cosignersOf(note: string, witnesses: readonly VerifierKey[]): Promise<Cosigner[]> {
  const { text, signatures } = parseNote(note);
  const cosigners: Cosigner[] = [];
  for (const key of witnesses)
    for (const { name, id, signature } of signatures) {
      if (name !== key.name || !equal(id, key.id) || signature.length !== TIME_BYTES + SIGNATURE_BYTES) continue;
      const seconds = Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0));
      if (!Number.isSafeInteger(seconds * 1000)) continue;
      const signed = utf8(cosignedText(seconds, text));
      if (!(await verify(key.publicKey, signature.slice(TIME_BYTES), signed))) continue;
      cosigners.push({ name, at: seconds * 1000 });
      break;
    }
  return cosigners;
}
