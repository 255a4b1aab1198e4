import type { z } from "zod";
import type { Placement } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import type { Rejection } from "../../domain/rejection.ts";
import { beginErasure } from "../erasure/requestErasure.ts";
import { beginExport } from "../export/requestExport.ts";
import { carryOutLift } from "../holds/liftHold.ts";
import type { ComplianceParts } from "../parts.ts";
import { changeRetention } from "../retention/doors.ts";
import type { Approval } from "./approval.ts";

/** Does what was approved, as it was asked for, in the name of who asked; doing it twice does it once. */
export async function carryOut(
  parts: ComplianceParts,
  { what, askedBy, approvedBy, commandId, reason }: Approval,
  someone: By,
): Promise<z.output<typeof Placement> | Rejection> {
  const by = { ...someone, userId: askedBy };
  switch (what.action) {
    case "erase":
      return beginErasure(parts, { ...what, erasureId: what.caseId, commandId, reason: reason ?? "" }, by);
    case "lift-hold":
      return carryOutLift(parts, what.caseId, { ...someone, userId: approvedBy ?? askedBy });
    case "export":
      return beginExport(parts.accounts.engine, { exportId: what.caseId, scope: what.scope, commandId }, by);
    case "shorten-retention":
      return changeRetention(parts, what.rules, { ...by, key: commandId });
    default:
      return what satisfies never;
  }
}
