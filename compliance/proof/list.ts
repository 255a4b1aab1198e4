import { type OpenDoor, openDoor } from "../../infra/ports/door.ts";
import type { ServedLogParts } from "../tlog/serveLog.ts";
import { GetProof } from "./getProof.ts";

/** Every door that gives proofs. */
export const openProofs = (parts: ServedLogParts): OpenDoor[] => [openDoor(GetProof, parts)];
