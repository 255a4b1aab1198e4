import { Uuid } from "../../domain/ids.ts";
import type { Database } from "../../infra/ports/database.ts";
import { receiptsPage } from "../../projections/receipts/queries.ts";

/** A message, and the members whom it reached. */
export interface MessageRead {
  readonly messageId: string;
  readonly conversationId: string;
  readonly members: readonly {
    readonly userId: string;
    readonly deliveredAt: string | null;
    readonly readAt: string | null;
  }[];
}

const MOST_MEMBERS = 1_000;

/** Members' own reading is told by their receipts. Undefined where no message has this id. */
export async function readByMembers(
  database: Database,
  tenant: string,
  messageId: string,
): Promise<MessageRead | undefined> {
  const id = Uuid.safeParse(messageId);
  if (!id.success) return undefined;
  const { rows } = await database.query<{ conversation: string; seq: number; author: string; openToAll: boolean }>(
    `select m.conversation, m.seq, m.author, c.history_visibility = 'all' as "openToAll"
     from history.messages m join inbox.conversations c using (tenant, conversation)
     where m.tenant = $1 and m.message_id = $2 order by m.conversation limit 1`,
    [tenant, id.data],
  );
  const [asked] = rows;
  if (!asked) return undefined;
  const receipts = await receiptsPage(database, tenant, asked, { after: null, limit: MOST_MEMBERS });
  return {
    messageId: id.data,
    conversationId: asked.conversation,
    members: receipts.map(({ userId, deliveredAt, readAt }) => ({
      userId,
      deliveredAt: deliveredAt?.toISOString() ?? null,
      readAt: readAt?.toISOString() ?? null,
    })),
  };
}
