import type { MarkNow, MarksNow } from "../commands/engine/engine.ts";
import type { Database } from "./ports/database.ts";

/** Watermarks as the receipts read model has them, with where the event stands that receipts say them by. */
export const marksNow =
  (database: Database): MarksNow =>
  async (tenant, conversationId, userIds) => {
    const { rows } = await database.query<MarkNow & { userId: string }>(
      `select m.user_id as "userId", m.read, m.delivered, m.changed_position as position, e.revision
       from receipts.marks m join log.events e on e.position = m.changed_position
       where m.tenant = $1 and m.conversation = $2 and m.user_id = any($3::uuid[])`,
      [tenant, conversationId, userIds],
      "marks-now",
    );
    return new Map(rows.map(({ userId, ...mark }) => [userId, mark]));
  };
