import { z } from "zod";
import { Placement, unchanged } from "../../commands/index.ts";
import { BreakGlassEnded } from "../../domain/compliance/events.ts";
import { streamId, Uuid } from "../../domain/ids.ts";
import { isRejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { complianceCase } from "../complianceCase.ts";
import type { ComplianceParts } from "../parts.ts";
import { readGrant } from "./grant.ts";

export const EndBreakGlass = door({
  name: "EndBreakGlass",
  route: "DELETE /api/v1/compliance/break-glass/:grantId",
  summary: "Ends an emergency access before its time: one's own, or as an officer anybody's.",
  status: 200,
  access: ["break-glass", "compliance"],
  socket: false,
  payload: z.strictObject({ grantId: Uuid }),
  result: Placement,

  async run({ grantId }, by, { accounts: { engine } }: ComplianceParts) {
    const grant = await readGrant(engine, by.tenant, grantId);
    const isOfficer = by.roles.includes("compliance");
    if (!grant || (grant.userId !== by.userId && !isOfficer)) return reject("not-found", "no such emergency access");
    const outcome = await complianceCase.mailboxes(engine).send(streamId(by.tenant, "compliance", grantId), {
      name: "EndBreakGlass",
      payload: { grantId },
      sender: { ...by, commandId: by.key ?? engine.newId() },
      keyed: by.key !== undefined,
      needs: () => undefined,
      decide({ done }) {
        const [opened, ended] = [done.get("BreakGlassOpened") ?? -1, done.get("BreakGlassEnded") ?? -1];
        return ended > opened ? unchanged(ended) : [BreakGlassEnded({ endedBy: by.userId })];
      },
    });
    if (isRejection(outcome)) return outcome;
    return { body: { position: outcome.position, revision: outcome.revision } };
  },
});
