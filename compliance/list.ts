import { type OpenDoor, openDoor } from "../infra/ports/door.ts";
import { GetErasure } from "./erasure/getErasure.ts";
import { RequestErasure } from "./erasure/requestErasure.ts";
import type { ComplianceParts } from "./parts.ts";

/** Every door of erasures, holds and retention. */
export const openCompliance = (parts: ComplianceParts): OpenDoor[] => [
  openDoor(RequestErasure, parts),
  openDoor(GetErasure, parts),
];
