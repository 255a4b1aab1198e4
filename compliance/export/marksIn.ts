import type { Queryable } from "../../infra/ports/database.ts";
import { marksOf } from "../../projections/receipts/queries.ts";

/** JSON lines: how far a person had received and read each of these conversations. */
export async function* marksIn(
  database: Queryable,
  tenant: string,
  userId: string,
  conversations: readonly string[],
): AsyncGenerator<string> {
  const keys = conversations.map((conversation) => ({ conversation, userId }));
  const marks = await marksOf(database, tenant, keys);
  marks.sort((one, other) => (one.conversation < other.conversation ? -1 : 1));
  for (const { conversation, delivered, read } of marks)
    yield `${JSON.stringify({ conversationId: conversation, delivered, read })}\n`;
}
