import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, randomBytes, sign } from "node:crypto";
import { link, mkdir, open, readdir, readFile, unlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { checkpointText, parseCheckpoint } from "../../compliance/verifier/checkpoint.ts";
import { consistent } from "../../compliance/verifier/merkle.ts";
import { signatureLine, type VerifierKey, verifierKey, verifierKeyText } from "../../compliance/verifier/note.ts";
import type { Clock } from "../ports/clock.ts";
import { InconsistentLog, type LogSigner, type SignedHead } from "../ports/logSigner.ts";

const KeyFile = z.strictObject({ madeAt: z.int(), privateKey: z.base64() });
const HeadFile = z.strictObject({ origin: z.string(), size: z.int().min(0), root: z.hex().length(64) });

/** The newest, and the one before it, so that whoever trusts that one learns of the newest. */
const SIGNING = 2;
/** Heads that are kept: a process that slept over the making of so many more is told that it lost. */
const KEPT = 64;

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
  const headsOf = (origin: string) => join(folder, "heads", hash("sha256", origin).slice(0, 32));

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

  async function lastHead(origin: string): Promise<{ number: number; head: SignedHead | undefined }> {
    const number = (await numbersIn(headsOf(origin))).at(-1);
    if (number === undefined) return { number: 0, head: undefined };
    const file = HeadFile.parse(await readNumbered(headsOf(origin), number));
    if (file.origin !== origin) throw new Error(`${headsOf(origin)} is of the log ${file.origin}: put it back`);
    return { number, head: { size: file.size, root: Buffer.from(file.root, "hex") } };
  }

  /** False where another process was faster. */
  async function remember(origin: string, number: number, { size, root }: SignedHead): Promise<boolean> {
    const heads = headsOf(origin);
    if (!(await createOnce(heads, number, { origin, size, root: Buffer.from(root).toString("hex") }))) return false;
    const numbers = await numbersIn(heads);
    if (numbers.at(-1) !== number) return false;
    for (const old of numbers.slice(0, -KEPT)) await unlink(join(heads, fileName(old))).catch(ignoreMissing);
    return true;
  }

  return {
    verifierKeys: async (origin) => (await signingKeys(origin)).map(({ verifier }) => verifierKeyText(verifier)),
    last: async (origin) => (await lastHead(origin)).head,

    async signCheckpoint(origin, next, proofFrom) {
      const { number, head: last } = await lastHead(origin);
      if (last && last.size > next.size)
        throw new InconsistentLog(`the log has ${next.size} entries, and was signed with ${last.size}`);
      if (last && !consistent(last, next, await proofFrom(last.size)))
        throw new InconsistentLog(
          `the log of ${next.size} entries does not begin with the ${last.size} that were signed: entries were altered or removed`,
        );
      if (last?.size !== next.size && !(await remember(origin, number + 1, next))) return undefined;
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

const NUMBERED = /^(\d{12})\.json$/;
const fileName = (number: number): string => `${String(number).padStart(12, "0")}.json`;
const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
const ignoreMissing = (error: unknown): void => {
  if (!hasCode(error, "ENOENT")) throw error;
};

async function numbersIn(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  });
  return names
    .flatMap((name) => NUMBERED.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((one, other) => one - other);
}

const readNumbered = async (folder: string, number: number): Promise<unknown> =>
  JSON.parse(await readFile(join(folder, fileName(number)), "utf8"));

/** Durable before it resolves, and never half there. False where that number is taken. */
async function createOnce(folder: string, number: number, content: unknown): Promise<boolean> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const written = join(folder, `${randomBytes(6).toString("hex")}.new`);
  const file = await open(written, "wx", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(content)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(written, join(folder, fileName(number)));
  } catch (error) {
    if (hasCode(error, "EEXIST")) return false;
    throw error;
  } finally {
    await unlink(written);
  }
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  return true;
}
