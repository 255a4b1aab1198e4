import { type Bytes, base64Of, concat, equal, fromBase64, fromHex, hexOf, utf8 } from "./bytes.ts";
import { sha256 } from "./sha256.ts";

/** A public key by which signatures of a log, or of a witness, are known. */
export interface VerifierKey {
  readonly name: string;
  /** Four bytes that a signature names its key by. */
  readonly id: Bytes;
  /** Ed25519, 32 bytes. */
  readonly publicKey: Bytes;
}

/** How a key signs: a note as it is, or a checkpoint as a witness does. It is part of the key's id, so neither passes for the other. */
export const algorithms = { note: 1, cosignature: 4 } as const;
export type Algorithm = keyof typeof algorithms;

const keyId = (name: string, algorithm: Algorithm, publicKey: Uint8Array): Bytes =>
  sha256(concat(utf8(`${name}\n`), Uint8Array.of(algorithms[algorithm]), publicKey)).slice(0, 4);

export const verifierKey = (name: string, publicKey: Bytes, algorithm: Algorithm = "note"): VerifierKey => ({
  name,
  id: keyId(name, algorithm, publicKey),
  publicKey,
});

/** `<name>+<key id>+<base64 of algorithm ‖ key>` @see https://c2sp.org/signed-note */
export const verifierKeyText = ({ name, id, publicKey }: VerifierKey, algorithm: Algorithm = "note"): string =>
  `${name}+${hexOf(id)}+${base64Of(concat(Uint8Array.of(algorithms[algorithm]), publicKey))}`;

/** @throws SyntaxError on what is no Ed25519 verifier key of a log */
export const parseVerifierKey = (text: string): VerifierKey => parseKey(text, "note");

/** @throws SyntaxError on what is no Ed25519 verifier key of a witness @see https://c2sp.org/tlog-cosignature */
export const parseWitnessKey = (text: string): VerifierKey => parseKey(text, "cosignature");

function parseKey(text: string, algorithm: Algorithm): VerifierKey {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? [];
  if (!name || !id || !encoded) throw new SyntaxError("not a verifier key: <name>+<8 hexadecimal digits>+<base64>");
  const bytes = fromBase64(encoded);
  if (bytes.length !== 33 || bytes[0] !== algorithms[algorithm])
    throw new SyntaxError(
      algorithm === "note" ? "not an Ed25519 verifier key" : "not the key of a witness (Ed25519 cosignature, 0x04)",
    );
  const key = verifierKey(name, bytes.slice(1), algorithm);
  if (!equal(key.id, fromHex(id))) throw new SyntaxError("the verifier key's id is not that of its key");
  return key;
}

export interface SignedNote {
  /** What is signed, with its last line feed. */
  readonly text: string;
  readonly signatures: readonly { readonly name: string; readonly id: Bytes; readonly signature: Bytes }[];
}

const SIGNATURE = /^— ([^\s+]+) ([A-Za-z0-9+/=]+)$/;

/** @throws SyntaxError */
export function parseNote(note: string): SignedNote {
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) throw new SyntaxError("not a signed note: no blank line before signatures");
  const lines = note.slice(split + 2, -1).split("\n");
  const signatures = lines.map((line) => {
    const [, name, encoded] = SIGNATURE.exec(line) ?? [];
    if (!name || !encoded) throw new SyntaxError("not a signed note: a line is no signature");
    const bytes = fromBase64(encoded);
    if (bytes.length < 5) throw new SyntaxError("not a signed note: a signature is cut");
    return { name, id: bytes.slice(0, 4), signature: bytes.slice(4) };
  });
  return { text: note.slice(0, split + 1), signatures };
}

export const signatureLine = ({ name, id }: Pick<VerifierKey, "name" | "id">, signature: Uint8Array): string =>
  `— ${name} ${base64Of(concat(id, signature))}\n`;

/** The text of the note where one of these keys signed it, else undefined. Signatures of others mean nothing here. */
export async function verifiedText(note: SignedNote, keys: readonly VerifierKey[]): Promise<string | undefined> {
  for (const { name, id, signature } of note.signatures)
    for (const key of keys)
      if (key.name === name && equal(key.id, id) && (await verify(key.publicKey, signature, utf8(note.text))))
        return note.text;
  return undefined;
}

/** Ed25519. */
export async function verify(publicKey: Bytes, signature: Bytes, message: Bytes): Promise<boolean> {
  const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", key, signature, message);
}
