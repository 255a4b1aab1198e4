import { z } from "zod";
import { visible } from "../../domain/conversation/visibility.ts";
import { streamId, Uuid } from "../../domain/ids.ts";
import { reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { messageById } from "../../projections/history/queries.ts";
import { seats } from "../../projections/inbox/queries.ts";
import type { ProofParts } from "./parts.ts";
import { proveMessage, versionsAmong } from "./proveMessage.ts";
import { Proof } from "./shapes.ts";

/** A revision as a query holds it. */
export const Revision = z.preprocess(
  (asked) => (typeof asked === "string" && /^\d{1,10}$/.test(asked) ? Number(asked) : asked),
  z.int().min(0).optional(),
);

const noSuchMessage = () => reject("not-found", "no such message");

/** For whoever sees the message: what it shows can be checked by anybody, for ever, without this server. */
export const GetProof = door({
  name: "GetProof",
  route: "GET /api/v1/conversations/:conversationId/messages/:messageId/proof",
  summary: "That the message is in the verifiable log, with what opens its entry and no other.",
  status: 200,
  access: "signed-in",
  socket: false,
  payload: z.strictObject({ conversationId: Uuid, messageId: Uuid, revision: Revision }),
  result: Proof,

  async run({ conversationId, messageId, revision }, { tenant, userId }, parts: ProofParts) {
    const { database, log } = parts;
    const found = await database.transaction(async (tx) => {
      const seat = (await seats(tx, tenant, userId, [conversationId])).get(conversationId);
      if (!seat?.present) return reject("not-found", "no such conversation");
      const row = await messageById(tx, tenant, conversationId, messageId);
      return row && visible(seat.memberships, seat.historyVisibility, row.seq) ? { seat, row } : noSuchMessage();
    }, "snapshot");
    if ("rejected" in found) return found;
    const { seat, row } = found;
    const touching = await log.readTarget(streamId(tenant, "conversation", conversationId), messageId);
    const versions = versionsAmong(touching);
    const current = versions.at(-1);
    if (!current) return reject("unavailable", "this message's event is missing in the log: somebody must look");
    const asked = revision === undefined ? current : versions.find((version) => version.revision === revision);
    if (!asked) return noSuchMessage();
    const isDeleted = row.deleted || touching.some(({ type }) => type === "MessageDeleted");
    if (asked !== current) {
      const seesVersions = row.author === userId || seat.role === "owner" || seat.role === "admin";
      if (!seesVersions) return reject("forbidden", "its versions are for the author, owners and admins");
      if (isDeleted) return reject("gone", "the message was deleted");
    }
    const proof = await proveMessage(asked, parts, { open: isDeleted ? "nothing" : "readable", forAuditor: false });
    return "rejected" in proof ? proof : { body: proof };
  },
});
