import { z } from "zod";
import type { By } from "../../domain/by.ts";
import { decodeFacts } from "../../domain/catalogue.ts";
import { MessageContent } from "../../domain/conversation/events.ts";
import { streamId, Uuid } from "../../domain/ids.ts";
import { isRejection, type Rejection, reject } from "../../domain/rejection.ts";
import { door } from "../../infra/ports/door.ts";
import type { RecordedEvent } from "../../infra/ports/eventLog.ts";
import { openWithHolds } from "../../sealing/heldContent.ts";
import type { ToOpen } from "../../sealing/sealing.ts";
import { lookingBy, writtenDown } from "../access/writtenDown.ts";
import type { ComplianceParts } from "../parts.ts";
import { readHold } from "./listHolds.ts";

const whole = z.preprocess(
  (asked) => (typeof asked === "string" && /^\d{1,15}$/.test(asked) ? Number(asked) : asked),
  z.int(),
);
const At = z.iso.datetime({ precision: 3 });

const Payload = z.strictObject({
  holdId: Uuid,
  conversationId: Uuid.optional().describe("Needed where the hold is on a person wherever that person wrote."),
  after: whole.optional().describe("`next` of the page before."),
  limit: whole.pipe(z.int().min(1).max(200)).default(50),
});

const Held = z.strictObject({
  messageId: Uuid,
  seq: z.int(),
  revision: z.int(),
  senderId: Uuid,
  recordedAt: At,
  edit: z.boolean(),
  state: z.enum(["readable", "held", "erased"]),
  text: z.string().nullable(),
  attachments: z.array(z.strictObject({ mediaId: Uuid, name: z.string() })),
});
type Held = z.output<typeof Held>;

const Page = z.strictObject({
  conversationId: Uuid,
  items: z.array(Held),
  next: z.int().nullable().describe("Give it as `after`; null at the end."),
});

/** Every version of every message in the scope, deleted ones too; each page is written down as read before it is given. */
export const ReadHeld = door({
  name: "ReadHeld",
  route: "GET /api/v1/compliance/holds/:holdId/messages",
  summary:
    "What a hold preserves of a conversation: each version of each message, also what is erased to everybody else.",
  status: 200,
  access: ["compliance"],
  socket: false,
  audited: true,
  payload: Payload,
  result: Page,

  async run(asked, by, parts: ComplianceParts) {
    const page = await readHeld(parts, asked, by);
    return isRejection(page) ? page : { body: page };
  },
});

/** Events that are looked at for one page at most: where few are in the scope, pages are short. */
const LOOKED_AT = 2_000;

async function readHeld(
  { accounts, holds }: ComplianceParts,
  { holdId, conversationId, after = -1, limit }: z.output<typeof Payload>,
  by: By,
): Promise<z.output<typeof Page> | Rejection> {
  const { tenant } = by;
  const { engine, database } = accounts;
  const hold = await readHold(accounts, tenant, holdId);
  if (!hold || hold.lifted) return reject("not-found", "no such hold");
  const { scope } = hold;
  const conversation = scope.conversationId ?? conversationId;
  if (conversation === undefined) return reject("validation-failed", "name a conversation: the hold is on a person");
  if (conversationId !== undefined && conversationId !== conversation) return reject("not-found", "not of this hold");

  const found: InScope[] = [];
  let next: number | null = null;
  for await (const recorded of engine.log.readStream(
    streamId(tenant, "conversation", conversation),
    after + 1,
    LOOKED_AT,
  )) {
    next = recorded.revision;
    const one = inScope(recorded, scope);
    if (one) found.push(one);
    if (found.length === limit) break;
  }
  // The end was seen where less was there than might have been looked at.
  if (next !== null && next >= (await engine.log.revision(streamId(tenant, "conversation", conversation)))) next = null;
  const messageIds = [...new Set(found.map(({ facts }) => facts.messageId))];
  const about = { holdId, conversationId: conversation, messageIds };
  const refused = await writtenDown({ database, engine }, lookingBy(by), "read-held", about);
  if (refused) return refused;
  const opened = await openWithHolds(
    engine.sealing,
    holds,
    tenant,
    found.map(({ event }) => event),
  );
  return {
    conversationId: conversation,
    items: found.map(({ facts }, at) => {
      const part = opened[at];
      const content = part && part.state !== "erased" ? MessageContent.partial().parse(part.content) : undefined;
      return {
        ...facts,
        state: part?.state ?? "erased",
        text: content?.text ?? null,
        attachments: content?.attachments ?? [],
      };
    }),
    next,
  };
}

interface InScope {
  readonly event: ToOpen;
  readonly facts: Omit<Held, "state" | "text" | "attachments">;
}

function inScope(
  recorded: RecordedEvent,
  scope: { userId?: string | undefined; from?: string | undefined; to?: string | undefined },
): InScope | undefined {
  const facts = decodeFacts(recorded);
  const { sealed, revision } = recorded;
  if ((facts.type !== "MessageSent" && facts.type !== "MessageEdited") || !sealed) return undefined;
  const { target: messageId, seq, authorId: senderId } = facts.data;
  const recordedAt = new Date(recorded.recordedAt).toISOString();
  if (scope.userId !== undefined && scope.userId !== senderId) return undefined;
  if ((scope.from !== undefined && recordedAt < scope.from) || (scope.to !== undefined && recordedAt > scope.to))
    return undefined;
  return {
    event: { ...recorded, sealed },
    facts: { messageId, seq, revision, senderId, recordedAt, edit: facts.type === "MessageEdited" },
  };
}
