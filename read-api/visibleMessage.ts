import type { By } from "../domain/by.ts";
import { visible } from "../domain/conversation/visibility.ts";
import type { Rejection } from "../domain/rejection.ts";
import type { Queryable } from "../infra/ports/database.ts";
import { type MessageRow, messageById } from "../projections/history/queries.ts";
import { type Seat, seats } from "../projections/inbox/queries.ts";
import { noSuchConversation, noSuchMessage } from "./query.ts";

/** A message that this person may see now, with the seat that it is seen from. */
export async function visibleMessage(
  queryable: Queryable,
  { tenant, userId }: Pick<By, "tenant" | "userId">,
  conversationId: string,
  messageId: string,
): Promise<{ seat: Seat; row: MessageRow } | Rejection> {
  const seat = (await seats(queryable, tenant, userId, [conversationId])).get(conversationId);
  if (!seat?.present) return noSuchConversation();
  const row = await messageById(queryable, tenant, conversationId, messageId);
  if (!row || !visible(seat.memberships, seat.historyVisibility, row.seq)) return noSuchMessage();
  return { seat, row };
}
