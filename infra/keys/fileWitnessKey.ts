import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { cosignatureLine, cosignedText } from "../../compliance/verifier/cosignature.ts";
import { verifierKey, verifierKeyText } from "../../compliance/verifier/note.ts";
import { writeOnce } from "./numberedFiles.ts";

const KeyFile = z.strictObject({ name: z.string(), privateKey: z.base64() });

/**
 * The key of a witness, in a file that its owner alone may read; made where there is none.
 * @param name of a witness that is made now, such as `auditor.example/w1`
 * @throws Error where the file is of another witness, or there is none and no name
 */
export async function fileWitnessKey(path: string, name: string | undefined) {
  const found = (await readIfThere(path)) ?? (await makeKey(path, name));
  const file = KeyFile.parse(JSON.parse(found));
  if (name !== undefined && file.name !== name) throw new Error(`${path} is the key of ${file.name}, not of ${name}`);
  const key = createPrivateKey({ key: Buffer.from(file.privateKey, "base64"), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  const verifier = verifierKey(file.name, Uint8Array.from(spki.subarray(-32)), "cosignature");
  return {
    name: file.name,
    /** As others are given it. */
    verifierKey: verifierKeyText(verifier, "cosignature"),
    cosign: (checkpointText: string, seconds: number): string =>
      cosignatureLine(verifier, seconds, sign(null, Buffer.from(cosignedText(seconds, checkpointText), "utf8"), key)),
  };
}

async function makeKey(path: string, name: string | undefined): Promise<string> {
  if (name === undefined) throw new Error(`${path} is not there: name the witness (--name), and its key is made`);
  if (!/^[^\s+]{1,255}$/.test(name)) throw new Error("the name of a witness has neither spaces nor +");
  const { privateKey } = generateKeyPairSync("ed25519");
  const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
  // Where another process was faster, its key is the one.
  await writeOnce(path, { name, privateKey: pkcs8 });
  return readFile(path, "utf8");
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
