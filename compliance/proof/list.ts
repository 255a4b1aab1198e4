import { type OpenDoor, openDoor } from "../../infra/ports/door.ts";
import { GetComplianceProof } from "./getComplianceProof.ts";
import { GetProof } from "./getProof.ts";
import type { ProofParts } from "./parts.ts";

/** Every door that gives proofs. */
export const openProofs = (parts: ProofParts): OpenDoor[] => [
  openDoor(GetProof, parts),
  openDoor(GetComplianceProof, parts),
];
