import { z } from "zod";
import type { By } from "../../domain/by.ts";
import { Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import type { ComplianceParts } from "../parts.ts";
import { type AccessesAsked, type AccessFound, findAccesses } from "./findAccesses.ts";
import { openPurposes } from "./purpose.ts";
import { type Looking, lookingBy, writtenDown } from "./writtenDown.ts";

const whole = (max: number) =>
  z.preprocess(
    (asked) => (typeof asked === "string" && /^\d{1,15}$/.test(asked) ? Number(asked) : asked),
    z.int().min(0).max(max),
  );

const Access = z.strictObject({
  entry: z.int().describe("Counts the tenant's accesses from 1, without a gap."),
  at: z.iso.datetime({ precision: 3 }),
  userId: Uuid.nullable().describe("Who looked; null: the operator, on the machine itself."),
  deviceId: Uuid.nullable(),
  action: z.string().describe("Such as `read-conversation`, `read-held`, `read-proof`, `read-accesses`."),
  purpose: z.string().nullable(),
  purposeState: z
    .enum(["none", "readable", "held", "erased"])
    .describe("`held`: for the role compliance alone; `erased` with the person who gave it; `none` was given."),
  about: z.record(z.string(), z.unknown()).describe("Ids and numbers: what of it was shown, and how much."),
});
export type OpenAccess = z.output<typeof Access>;

/** Who saw, searched and exported what. */
export const ListAccesses = door({
  name: "ListAccesses",
  route: "GET /api/v1/compliance/access",
  summary:
    "Who read, searched or exported what, when, from which device and why. Itself logged. " +
    "As JSON lines, `order=oldest` and with the last entry as `cursor`, it can be followed.",
  status: 200,
  access: ["auditor", "compliance"],
  socket: false,
  audited: true,
  lines: true,
  payload: z.strictObject({
    conversationId: Uuid.optional(),
    messageId: Uuid.optional().describe("The pages that held it, its proofs, and what holds and exports showed of it."),
    userId: Uuid.optional().describe("The person about whom, or by whom, something was read."),
    by: Uuid.optional().describe("Who looked."),
    action: z.string().max(64).optional(),
    order: z.enum(["newest", "oldest"]).default("newest"),
    cursor: whole(Number.MAX_SAFE_INTEGER)
      .optional()
      .describe("The `entry` after which, in this order, one goes on; what an answer names as `cursor`, or one kept."),
    limit: whole(200).pipe(z.int().min(1)).default(50),
  }),
  result: z.strictObject({ items: z.array(Access), cursor: z.string().nullable() }),

  async run({ cursor: after, ...asked }, by: By, parts: ComplianceParts) {
    const page = await listAccesses(parts, { ...asked, after }, lookingBy(by), by.roles.includes("compliance"));
    return isRejection(page) ? page : { body: page };
  },
});

export interface AccessPage {
  readonly items: readonly OpenAccess[];
  readonly cursor: string | null;
}

/** That somebody reads of accesses is one, too. @param mayReadHeld whether purposes are shown that a hold alone keeps */
export async function listAccesses(
  { accounts: { database, engine }, holds }: ComplianceParts,
  asked: AccessesAsked,
  looking: Looking,
  mayReadHeld: boolean,
): Promise<{ items: OpenAccess[]; cursor: string | null } | Rejection> {
  const { sealing } = engine;
  const found = await findAccesses(database, looking.tenant, { ...asked, limit: asked.limit + 1 });
  const page = found.slice(0, asked.limit);
  if (!isOwnFollowing(asked, page, looking)) {
    const { conversationId, messageId, userId, by } = asked;
    const [first, last] = [page[0]?.entry ?? null, page.at(-1)?.entry ?? null];
    const about = { conversationId, messageId, userId, by, action: asked.action, firstEntry: first, lastEntry: last };
    const refused = await writtenDown({ database, engine }, looking, "read-accesses", about);
    if (refused) return refused;
  }
  const purposes = await openPurposes(
    { sealing, holds },
    looking.tenant,
    page.map(({ purpose }) => purpose),
    mayReadHeld,
  );
  const items = page.map(({ entry, at, actor, device, action, about }, place) => ({
    entry,
    at: at.toISOString(),
    userId: actor,
    deviceId: device,
    action,
    ...(purposes[place] ?? { purpose: null, purposeState: "none" as const }),
    about: { ...about },
  }));
  const last = found.length > asked.limit ? page.at(-1)?.entry : undefined;
  return { items, cursor: last === undefined ? null : String(last) };
}

/**
 * Whoever follows the log finds there that the page before was read. A page with nothing but that is not written down: it
 * would be what the next one holds, for ever.
 */
const isOwnFollowing = (asked: AccessesAsked, page: readonly AccessFound[], { actor, device }: Looking): boolean =>
  asked.order === "oldest" &&
  asked.after !== undefined &&
  [asked.conversationId, asked.messageId, asked.userId, asked.by, asked.action].every((one) => one === undefined) &&
  page.every((entry) => entry.action === "read-accesses" && entry.actor === actor && entry.device === device);
