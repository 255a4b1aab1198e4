import type { Tables } from "../projection.ts";
import type { HistoryEvent } from "./historyEvent.ts";

interface Reaction {
  readonly tenant: string;
  readonly conversation: string;
  readonly seq: number;
  readonly emoji: string | null;
  readonly user_id: string | null;
  readonly position: number | null;
}

/** What was touched goes (all of a message's, where it was deleted), then what stands in the end is written. */
export async function foldReactions(events: readonly HistoryEvent[], tables: Tables, schema: string): Promise<void> {
  const touched = new Map<string, Map<string, Reaction>>();
  for (const { type, tenant, of: conversation, position, data } of events) {
    if (type !== "MessageDeleted" && type !== "ReactionAdded" && type !== "ReactionRemoved") continue;
    const message = `${tenant}/${conversation}/${data.seq}`;
    const place = { tenant, conversation, seq: data.seq };
    if (type === "MessageDeleted") {
      touched.set(message, new Map([["", { ...place, emoji: null, user_id: null, position: null }]]));
      continue;
    }
    const reactions = touched.get(message) ?? new Map<string, Reaction>();
    touched.set(message, reactions);
    reactions.set(`${data.userId}/${data.emoji}`, {
      ...place,
      emoji: data.emoji,
      user_id: data.userId,
      position: type === "ReactionAdded" ? position : null,
    });
  }
  if (touched.size === 0) return;
  const rows = [...touched.values()].flatMap((reactions) => [...reactions.values()]);
  tables.send(
    `delete from ${schema}.reactions r
     using json_to_recordset($1) as t(tenant text, conversation uuid, seq bigint, emoji text, user_id uuid)
     where r.tenant = t.tenant and r.conversation = t.conversation and r.seq = t.seq
       and (t.emoji is null or (r.emoji = t.emoji and r.user_id = t.user_id))`,
    [JSON.stringify(rows)],
    `${schema}-delete-reactions`,
  );
  const standing = rows.filter(({ position }) => position !== null);
  if (standing.length > 0) await tables.insert("reactions", standing);
}
