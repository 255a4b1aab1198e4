import { readFile } from "node:fs/promises";
import { parseVerifierKey, type VerifierKey } from "../../compliance/verifier/note.ts";
import { CommandFailed } from "../commandFailed.ts";

/** Verifier keys as they are given: the key itself, or a file with one a line. @throws CommandFailed */
export async function keysFrom(given: string): Promise<VerifierKey[]> {
  const text = /^[^\s+]+\+[0-9a-f]{8}\+/.test(given) ? given : await readFile(given, "utf8");
  try {
    const keys = text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map(parseVerifierKey);
    if (keys.length > 0) return keys;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandFailed(`--key: ${error.message}`);
  }
  throw new CommandFailed("--key: there is no verifier key in it");
}
