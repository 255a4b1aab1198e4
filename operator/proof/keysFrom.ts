import { readFile } from "node:fs/promises";
import { parseVerifierKey, parseWitnessKey, type VerifierKey } from "../../compliance/verifier/note.ts";
import { CommandFailed } from "../commandFailed.ts";

/** Verifier keys of a log as they are given: the key itself, or a file with one a line. @throws CommandFailed */
export const keysFrom = (given: string): Promise<VerifierKey[]> => keysIn(given, "--key", parseVerifierKey);

/** Verifier keys of witnesses, likewise. @throws CommandFailed */
export const witnessKeysFrom = (given: string): Promise<VerifierKey[]> => keysIn(given, "--witness", parseWitnessKey);

async function keysIn(given: string, flag: string, parse: (text: string) => VerifierKey): Promise<VerifierKey[]> {
  const text = /^[^\s+]+\+[0-9a-f]{8}\+/.test(given) ? given : await readFile(given, "utf8").catch(isNoFile(flag));
  try {
    const keys = text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => parse(line));
    if (keys.length > 0) return keys;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new CommandFailed(`${flag}: ${error.message}`);
  }
  throw new CommandFailed(`${flag}: there is no verifier key in it`);
}

const isNoFile =
  (flag: string) =>
  (error: unknown): never => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT" && "path" in error)
      throw new CommandFailed(`${flag}: ${error.path} is neither a verifier key nor a file`);
    throw error;
  };
