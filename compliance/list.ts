import { type OpenDoor, openDoor } from "../infra/ports/door.ts";
import { ListAccesses } from "./access/listAccesses.ts";
import { Approve } from "./approvals/approve.ts";
import { ListApprovals } from "./approvals/listApprovals.ts";
import { ReadConversationThen } from "./asOf/readConversationThen.ts";
import { EndBreakGlass } from "./breakGlass/endBreakGlass.ts";
import { OpenBreakGlass } from "./breakGlass/openBreakGlass.ts";
import { GetErasure } from "./erasure/getErasure.ts";
import { RequestErasure } from "./erasure/requestErasure.ts";
import { LiftHold } from "./holds/liftHold.ts";
import { ListHolds } from "./holds/listHolds.ts";
import { PlaceHold } from "./holds/placeHold.ts";
import { ReadHeld } from "./holds/readHeld.ts";
import type { ComplianceParts } from "./parts.ts";
import { GetRetention, SetRetention } from "./retention/doors.ts";

/** Every door of erasures, holds and retention, and of those who read for others. */
export const openCompliance = (parts: ComplianceParts): OpenDoor[] => [
  openDoor(RequestErasure, parts),
  openDoor(GetErasure, parts),
  openDoor(PlaceHold, parts),
  openDoor(ListHolds, parts),
  openDoor(LiftHold, parts),
  openDoor(ReadHeld, parts),
  openDoor(GetRetention, parts),
  openDoor(SetRetention, parts),
  openDoor(ReadConversationThen, parts),
  openDoor(ListAccesses, parts),
  openDoor(Approve, parts),
  openDoor(ListApprovals, parts),
  openDoor(OpenBreakGlass, parts),
  openDoor(EndBreakGlass, parts),
];
