import { z } from "zod";
import type { AccountParts } from "../../accounts/parts.ts";
import { decodeFacts } from "../../domain/catalogue.ts";
import { HoldScope } from "../../domain/compliance/events.ts";
import { streamId, Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import { type Looking, lookingBy, writtenDown } from "../access/writtenDown.ts";
import type { ComplianceParts } from "../parts.ts";

const Standing = z.strictObject({
  holdId: Uuid,
  ...HoldScope.shape,
  placedAt: z.iso.datetime({ precision: 3 }),
  reason: z.string().nullable(),
});
export type StandingHold = z.output<typeof Standing>;

const Sealed = z.object({ reason: z.string() });

export const ListHolds = door({
  name: "ListHolds",
  route: "GET /api/v1/compliance/holds",
  summary: "The holds that stand, in the order in which they were placed.",
  status: 200,
  access: ["compliance", "auditor"],
  socket: false,
  audited: true,
  payload: z.strictObject({}),
  result: z.strictObject({ items: z.array(Standing) }),

  async run(_, by, parts: ComplianceParts) {
    const items = await standingHolds(parts, lookingBy(by));
    return isRejection(items) ? items : { body: { items } };
  },
});

/** What stands is what the keys obey; the log tells the rest. One that was placed without a word in the log is shown, too. */
export async function standingHolds(
  { accounts, holds }: ComplianceParts,
  looking: Looking,
): Promise<StandingHold[] | Rejection> {
  const { tenant } = looking;
  const { database, engine } = accounts;
  const refused = await writtenDown({ database, engine }, looking, "list-holds", {});
  if (refused) return refused;
  const standing: StandingHold[] = [];
  for (const { holdId, placedAt, conversationId, userId } of await holds.list(tenant)) {
    const told = await readHold(accounts, tenant, holdId);
    if (told?.lifted) continue;
    standing.push({
      holdId,
      ...(told?.scope ?? { ...(conversationId ? { conversationId } : {}), ...(userId ? { userId } : {}) }),
      placedAt: placedAt.toISOString(),
      reason: told?.reason ?? null,
    });
  }
  return standing;
}

export interface HoldTold {
  readonly scope: z.output<typeof HoldScope>;
  readonly reason: string | null;
  readonly lifted: boolean;
}

/** What the log tells of a hold; undefined where it knows none of this id. */
export async function readHold(
  { engine: { log, sealing } }: Pick<AccountParts, "engine">,
  tenant: string,
  holdId: string,
): Promise<HoldTold | undefined> {
  let hold: HoldTold | undefined;
  for await (const recorded of log.readStream(streamId(tenant, "compliance", holdId))) {
    const facts = decodeFacts(recorded);
    if (facts.type === "HoldPlaced" && recorded.sealed) {
      const { holdId: _, ...scope } = facts.data;
      const [opened] = await sealing.open([{ ...recorded, sealed: recorded.sealed }]);
      const reason = opened?.state === "readable" ? Sealed.parse(opened.content).reason : null;
      hold = { scope, reason, lifted: false };
    }
    if (facts.type === "HoldLifted" && hold) hold = { ...hold, lifted: true };
  }
  return hold;
}
