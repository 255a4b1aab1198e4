import { randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, readFile, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

const NUMBERED = /^(\d{12})\.json$/;
export const fileName = (number: number): string => `${String(number).padStart(12, "0")}.json`;
const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
export const ignoreMissing = (error: unknown): void => {
  if (!hasCode(error, "ENOENT")) throw error;
};

/** Of the files in a folder, in order; none where it is not there. */
export async function numbersIn(folder: string): Promise<number[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  });
  return names
    .flatMap((name) => NUMBERED.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((one, other) => one - other);
}

export const readNumbered = async (folder: string, number: number): Promise<unknown> =>
  JSON.parse(await readFile(join(folder, fileName(number)), "utf8"));

/** False where that number is taken. */
export const createOnce = (folder: string, number: number, content: unknown): Promise<boolean> =>
  writeOnce(join(folder, fileName(number)), content);

/** As JSON. Durable before it resolves, and never half there. False where the file is there already. */
export async function writeOnce(path: string, content: unknown): Promise<boolean> {
  const folder = dirname(path);
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
    await link(written, path);
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
