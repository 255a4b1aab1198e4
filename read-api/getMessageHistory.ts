import { z } from "zod";
import { MessageContent } from "../domain/conversation/events.ts";
import { Uuid } from "../domain/ids.ts";
import { reject } from "../domain/rejection.ts";
import { editsOf } from "../projections/history/queries.ts";
import { openAll } from "./openPeople.ts";
import { query } from "./query.ts";
import { visibleMessage } from "./visibleMessage.ts";

const gone = () => reject("gone", "the message was deleted");

export const GetMessageHistory = query({
  name: "GetMessageHistory",
  route: "GET /api/v1/conversations/:conversationId/messages/:messageId/history",
  summary: "The versions of a message, the original first: for its author, owners and admins.",
  payload: { conversationId: Uuid, messageId: Uuid },
  result: z.strictObject({
    items: z.array(
      z.strictObject({ revision: z.int(), text: z.string().nullable(), at: z.iso.datetime({ precision: 3 }) }),
    ),
  }),
  async run({ conversationId, messageId }, by, { database, sealing }) {
    const found = await database.transaction(async (tx) => {
      const seen = await visibleMessage(tx, by, conversationId, messageId);
      if ("rejected" in seen) return seen;
      const { seat, row } = seen;
      const mayModerate = seat.role === "owner" || seat.role === "admin";
      if (row.author !== by.userId && !mayModerate)
        return reject("forbidden", "its versions are for the author, owners and admins");
      if (row.deleted) return gone();
      return { row, edits: await editsOf(tx, by.tenant, conversationId, row.seq) };
    }, "snapshot");
    if ("rejected" in found) return found;
    const { row, edits } = found;
    const versions = [{ revision: row.sentRevision, at: row.sentAt, sealed: row.sealed }, ...edits];
    const opened = await openAll(
      sealing,
      versions.map(({ sealed }) => sealed),
    );
    if (opened.some((part) => part?.state === "erased")) return reject("erased", "the message was erased");
    return {
      items: versions.map(({ revision, at }, index) => {
        const part = opened[index];
        const text = part?.state === "readable" ? MessageContent.parse(part.content).text : null;
        return { revision, text, at: at.toISOString() };
      }),
    };
  },
});
