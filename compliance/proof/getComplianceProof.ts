import { z } from "zod";
import { streamId, Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { writeAccess } from "../access/accessLog.ts";
import { Revision } from "./getProof.ts";
import type { ProofParts } from "./parts.ts";
import { proveMessage, versionsAmong } from "./proveMessage.ts";
import { Proof } from "./shapes.ts";

/** For auditors and compliance officers: any version, also of what was deleted; what is held opens for compliance alone. */
export const GetComplianceProof = door({
  name: "GetComplianceProof",
  route: "GET /api/v1/compliance/conversations/:conversationId/messages/:messageId/proof",
  summary: "The proof of any version of a message, also of a deleted one, with what it follows in the log. Logged.",
  status: 200,
  access: ["auditor", "compliance"],
  socket: false,
  payload: z.strictObject({ conversationId: Uuid, messageId: Uuid, revision: Revision }),
  result: Proof,

  async run({ conversationId, messageId, revision }, { tenant, userId, deviceId, roles, now }, parts: ProofParts) {
    const touching = await parts.log.readTarget(streamId(tenant, "conversation", conversationId), messageId);
    const versions = versionsAmong(touching);
    const asked = revision === undefined ? versions.at(-1) : versions.find((one) => one.revision === revision);
    if (!asked) return reject("not-found", "no such message");
    await writeAccess(parts.database, {
      tenant,
      at: now,
      actor: userId,
      device: deviceId,
      action: "read-proof",
      about: { conversationId, messageId, revision: asked.revision },
    });
    const open = roles.includes("compliance") ? "held" : "readable";
    const proof = await proveMessage(asked, parts, { open, forAuditor: true });
    return "rejected" in proof ? proof : { body: proof };
  },
});
