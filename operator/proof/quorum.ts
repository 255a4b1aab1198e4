import type { Cosigner } from "../../compliance/verifier/cosignature.ts";
import type { VerifierKey } from "../../compliance/verifier/note.ts";
import { CommandFailed } from "../commandFailed.ts";
import { witnessKeysFrom } from "./keysFrom.ts";

export interface QuorumFlags {
  readonly witness?: readonly string[];
  readonly quorum?: string;
}

/** Of so many witnesses so many must have cosigned. */
export interface Quorum {
  readonly witnesses: readonly VerifierKey[];
  readonly needed: number;
}

/** All that are named, where nothing is said. @throws CommandFailed */
export async function quorumOf({ witness = [], quorum }: QuorumFlags): Promise<Quorum> {
  const given = (await Promise.all(witness.map(witnessKeysFrom))).flat();
  const witnesses = [...new Map(given.map((key) => [key.name, key])).values()];
  const needed = quorum === undefined ? witnesses.length : Number(quorum);
  if (!Number.isInteger(needed) || needed < 0 || needed > witnesses.length)
    throw new CommandFailed(`--quorum takes a number of the witnesses that are named (${witnesses.length})`);
  return { witnesses, needed };
}

export const isReached = ({ needed }: Quorum, cosigners: readonly Cosigner[]): boolean => cosigners.length >= needed;

/** A line for each cosignature, and one where there are too few. */
export function quorumLines({ witnesses, needed }: Quorum, cosigners: readonly Cosigner[]): string[] {
  if (witnesses.length === 0) return [];
  return [
    ...cosigners.map(({ name, at }) => `cosigned by ${name}, ${new Date(at).toISOString()}`),
    ...(cosigners.length < needed
      ? [`NOT WITNESSED: cosigned by ${cosigners.length} of the ${needed} witnesses that it takes`]
      : []),
  ];
}
