import { z } from "zod";
import { streamId, Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { lookingBy, writtenDown } from "../access/writtenDown.ts";
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
  audited: true,
  payload: z.strictObject({ conversationId: Uuid, messageId: Uuid, revision: Revision }),
  result: Proof,

  async run({ conversationId, messageId, revision }, by, parts: ProofParts) {
    const touching = await parts.log.readTarget(streamId(by.tenant, "conversation", conversationId), messageId);
    const versions = versionsAmong(touching);
    const asked = revision === undefined ? versions.at(-1) : versions.find((one) => one.revision === revision);
    if (!asked) return reject("not-found", "no such message");
    const about = { conversationId, messageId, revision: asked.revision };
    const refused = await writtenDown({ database: parts.database, engine: parts }, lookingBy(by), "read-proof", about);
    if (refused) return refused;
    const open = by.roles.includes("compliance") ? "held" : "readable";
    const proof = await proveMessage(asked, parts, { open, forAuditor: true });
    return "rejected" in proof ? proof : { body: proof };
  },
});
