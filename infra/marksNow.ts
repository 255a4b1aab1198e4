import type { MarkNow, MarksNow } from "../commands/engine/engine.ts";
import { streamId } from "../domain/ids.ts";
import type { Database } from "./ports/database.ts";

/** Watermarks as the receipts read model has them, with where the event stands that raised them: marks, or one's own message. */
export const marksNow =
  (database: Database): MarksNow =>
  async (tenant, conversationId, userIds) => {
    const { rows } = await database.query<MarkNow & { userId: string }>(
      `select m.user_id as "userId", m.read, m.delivered, coalesce(s.position, e.position) as position,
         coalesce(s.revision, e.revision) as revision
       from receipts.marks m join log.events e on e.position = m.changed_position
       left join lateral (
         select sent.position, sent.revision from history.messages h join log.streams on stream = $4
           join log.events sent on sent.stream_no = streams.stream_no and sent.revision = h.sent_revision
         where h.tenant = m.tenant and h.conversation = m.conversation and h.seq = m.read and h.author = m.user_id
       ) s on s.position > e.position
       where m.tenant = $1 and m.conversation = $2 and m.user_id = any($3::uuid[])`,
      [tenant, conversationId, userIds, streamId(tenant, "conversation", conversationId)],
      "marks-now",
    );
    return new Map(rows.map(({ userId, ...mark }) => [userId, mark]));
  };
