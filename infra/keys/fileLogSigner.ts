import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { checkpointText, parseCheckpoint } from "../../compliance/verifier/checkpoint.ts";
import { consistent } from "../../compliance/verifier/merkle.ts";
import { signatureLine, type VerifierKey, verifierKey, verifierKeyText } from "../../compliance/verifier/note.ts";
import type { Clock } from "../ports/clock.ts";
import { InconsistentLog, type LogSigner } from "../ports/logSigner.ts";
import { fileSignedHeads } from "./fileSignedHeads.ts";
import { createOnce, numbersIn, readNumbered } from "./numberedFiles.ts";

const KeyFile = z.strictObject({ madeAt: z.int(), privateKey: z.base64() });

/** The newest, and the one before it, so that whoever trusts that one learns of the newest. */
const SIGNING = 2;

export interface FileLogSigner extends LogSigner {
  /** A new key signs from now on, beside the one before it; older ones sign no more. */
  rotate(): Promise<void>;
}

/**
 * Keys and signed heads as numbered files in a folder that its owner alone may read. A head is made by linking the next
 * number, which of all processes one can: so two that know different logs cannot both sign, whatever lock they hold.
 */
export function fileLogSigner(folder: string, clock: Clock): FileLogSigner {
  const keysFolder = join(folder, "keys");
  const heads = fileSignedHeads(join(folder, "heads"));

  async function makeKey(number: number): Promise<void> {
    const { privateKey } = generateKeyPairSync("ed25519");
    const pkcs8 = privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
    await createOnce(keysFolder, number, { madeAt: clock.now(), privateKey: pkcs8 });
  }

  /** The newest first; made where there is none. */
  async function signingKeys(origin: string) {
    let numbers = await numbersIn(keysFolder);
    if (numbers.length === 0) {
      await makeKey(1);
      numbers = await numbersIn(keysFolder);
    }
    const newest = numbers.slice(-SIGNING).reverse();
    return Promise.all(
      newest.map(async (number) => {
        const { privateKey } = KeyFile.parse(await readNumbered(keysFolder, number));
        const key = createPrivateKey({ key: Buffer.from(privateKey, "base64"), format: "der", type: "pkcs8" });
        const spki = createPublicKey(key).export({ format: "der", type: "spki" });
        return { key, verifier: verifierKey(origin, Uint8Array.from(spki.subarray(-32))) };
      }),
    );
  }

  async function signed(origin: string, text: string): Promise<string> {
    const lines = (await signingKeys(origin)).map(
      ({ key, verifier }: { key: Parameters<typeof sign>[2]; verifier: VerifierKey }) =>
        signatureLine(verifier, sign(null, Buffer.from(text, "utf8"), key)),
    );
    return `${text}\n${lines.join("")}`;
  }

  return {
    verifierKeys: async (origin) => (await signingKeys(origin)).map(({ verifier }) => verifierKeyText(verifier)),
    last: async (origin) => (await heads.last(origin)).head,

    async signCheckpoint(origin, next, proofFrom) {
      const { number, head: last } = await heads.last(origin);
      if (last && last.size > next.size)
        throw new InconsistentLog(`the log has ${next.size} entries, and was signed with ${last.size}`);
      if (last && !consistent(last, next, await proofFrom(last.size)))
        throw new InconsistentLog(
          `the log of ${next.size} entries does not begin with the ${last.size} that were signed: entries were altered or removed`,
        );
      if (last?.size !== next.size && !(await heads.remember(origin, number + 1, next))) return undefined;
      return signed(origin, checkpointText({ origin, ...next }));
    },

    async signNote(origin, text) {
      if (isCheckpoint(text)) throw new TypeError("this text could pass for a checkpoint");
      return signed(origin, text);
    },

    async rotate() {
      await makeKey(((await numbersIn(keysFolder)).at(-1) ?? 0) + 1);
    },
  };
}

function isCheckpoint(text: string): boolean {
  try {
    parseCheckpoint(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
