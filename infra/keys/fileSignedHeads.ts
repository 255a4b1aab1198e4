import { hash } from "node:crypto";
import { unlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { SignedHead, SignedHeads } from "../ports/logSigner.ts";
import { createOnce, fileName, ignoreMissing, numbersIn, readNumbered } from "./numberedFiles.ts";

const HeadFile = z.strictObject({ origin: z.string(), size: z.int().min(0), root: z.hex().length(64) });

/** Heads that are kept: a process that slept over the making of so many more is told that it lost. */
const KEPT = 64;

/**
 * What was signed, as numbered files: a head is made by linking the next number, which of all processes one can. So two that
 * know different logs cannot both sign, whatever lock they hold.
 */
export function fileSignedHeads(folder: string): SignedHeads {
  const headsOf = (origin: string) => join(folder, hash("sha256", origin).slice(0, 32));
  return {
    async last(origin) {
      const number = (await numbersIn(headsOf(origin))).at(-1);
      if (number === undefined) return { number: 0, head: undefined };
      const file = HeadFile.parse(await readNumbered(headsOf(origin), number));
      if (file.origin !== origin) throw new Error(`${headsOf(origin)} is of the log ${file.origin}: put it back`);
      return { number, head: { size: file.size, root: Buffer.from(file.root, "hex") } };
    },

    async remember(origin, number, { size, root }: SignedHead) {
      const heads = headsOf(origin);
      if (!(await createOnce(heads, number, { origin, size, root: Buffer.from(root).toString("hex") }))) return false;
      const numbers = await numbersIn(heads);
      if (numbers.at(-1) !== number) return false;
      for (const old of numbers.slice(0, -KEPT)) await unlink(join(heads, fileName(old))).catch(ignoreMissing);
      return true;
    },
  };
}
