import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import type { TokenSecret } from "../ports/tokenSecret.ts";

const BYTES = 32;

/** The secret in a file that its owner alone may read; made where there is none. Processes that start together agree. */
export const fileTokenSecret = (path: string): TokenSecret => ({
  async load() {
    const known = (await read(path)) ?? (await make(path));
    if (known.length !== BYTES) throw new Error(`${path} is damaged: remove it, and every device signs in anew`);
    return known;
  },
});

async function read(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function make(path: string): Promise<Buffer> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const secret = randomBytes(BYTES);
  const written = `${path}.${randomBytes(6).toString("hex")}`;
  const file = await open(written, "wx", 0o600);
  try {
    await file.writeFile(secret);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // A link appears whole and never replaces what another process put there meanwhile.
    await link(written, path);
    return secret;
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
    return await readFile(path);
  } finally {
    await unlink(written);
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  typeof error === "object" && error !== null && "code" in error && error.code === code;
