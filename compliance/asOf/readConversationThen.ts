import { z } from "zod";
import type { Engine } from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { lookingBy } from "../access/writtenDown.ts";
import { grantIdOf, readGrant, stands } from "../breakGlass/grant.ts";
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
    "A conversation as it was: members, marks and a page of messages, what was deleted since among them. Logged. " +
    "With the role break-glass alone: as it is now, while an emergency access to it stands.",
  status: 200,
  access: ["auditor", "compliance", "break-glass"],
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
    const grantId = await inEmergency(engine, payload, by);
    if (isRejection(grantId)) return grantId;
    const asked = grantId === undefined ? payload : { ...payload, grantId };
    const open = await readThen({ log, database, sealing }, asked, lookingBy(by));
    return isRejection(open) ? open : { body: open };
  },
});

/** Under which emergency access somebody reads; undefined for those who may without. */
async function inEmergency(
  engine: Engine,
  { conversationId, asOf }: { readonly conversationId: string; readonly asOf?: AsOf | undefined },
  { tenant, userId, roles, now }: By,
): Promise<string | undefined | Rejection> {
  if (roles.includes("auditor") || roles.includes("compliance")) return undefined;
  const grant = await readGrant(engine, tenant, grantIdOf(tenant, conversationId, userId));
  if (!stands(grant, now)) return reject("not-found", "there was no such conversation");
  return asOf === undefined ? grant.grantId : reject("forbidden", "in an emergency it is read as it is now");
}
