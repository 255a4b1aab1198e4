import { z } from "zod";
import { Uuid } from "../../domain/ids.ts";
import { isRejection } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { lookingBy } from "../access/writtenDown.ts";
import type { ComplianceParts } from "../parts.ts";
import { AsOf } from "./asOf.ts";
import { readThen } from "./readThen.ts";
import { OpenThen } from "./shapes.ts";

/** Digits of a query, and nothing else. */
const whole = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  z.preprocess(
    (asked) => (typeof asked === "string" && /^\d{1,16}$/.test(asked) ? Number(asked) : asked),
    z.int().min(min).max(max),
  );

export const ReadConversationThen = door({
  name: "ReadConversationThen",
  route: "GET /api/v1/compliance/conversations/:conversationId/messages",
  summary:
    "A conversation as it was: members, marks and a page of messages, what was deleted since among them. Logged.",
  status: 200,
  access: ["auditor", "compliance"],
  limit: "search",
  socket: false,
  audited: true,
  payload: z.strictObject({
    conversationId: Uuid,
    asOf: AsOf.optional().describe("A position of the log, or a time; absent: now."),
    before: whole(0).optional(),
    after: whole(0).optional(),
    around: whole(0).optional(),
    limit: whole(1, 200).default(50),
    membersAfter: Uuid.optional().describe("Members are given by id, after this one."),
  }),
  result: OpenThen,
  async run(payload, by, { accounts: { engine, database } }: ComplianceParts) {
    const { log, sealing } = engine;
    const open = await readThen({ log, database, sealing }, payload, lookingBy(by));
    return isRejection(open) ? open : { body: open };
  },
});
