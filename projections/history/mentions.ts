import type { Tables } from "../projection.ts";
import type { HistoryEvent } from "./historyEvent.ts";

interface MentionsOf {
  readonly tenant: string;
  readonly conversation: string;
  readonly seq: number;
  readonly users: readonly string[];
  /** The message is new, so nothing of it can be there. */
  readonly fresh: boolean;
}

/** An edit replaces whom its message mentions; a deletion mentions nobody. */
export async function foldMentions(events: readonly HistoryEvent[], tables: Tables, schema: string): Promise<void> {
  const newest = new Map<string, MentionsOf>();
  for (const { type, tenant, of: conversation, data } of events) {
    if (type !== "MessageSent" && type !== "MessageEdited" && type !== "MessageDeleted") continue;
    const mentioned = type === "MessageDeleted" ? [] : (data.mentions ?? []);
    const key = `${tenant}/${conversation}/${data.seq}`;
    newest.set(key, {
      tenant,
      conversation,
      seq: data.seq,
      users: [...new Set(mentioned)].filter((userId) => userId !== data.authorId),
      fresh: type === "MessageSent" || newest.get(key)?.fresh === true,
    });
  }
  const all = [...newest.values()];
  const replaced = all.filter(({ fresh }) => !fresh);
  if (replaced.length > 0)
    tables.send(
      `delete from ${schema}.mentions m
       using json_to_recordset($1) as r(tenant text, conversation uuid, seq bigint)
       where m.tenant = r.tenant and m.conversation = r.conversation and m.seq = r.seq`,
      [JSON.stringify(replaced)],
      `${schema}-delete-mentions`,
    );
  const rows = all.flatMap(({ tenant, conversation, seq, users }) =>
    users.map((user_id) => ({ tenant, conversation, user_id, seq })),
  );
  if (rows.length > 0) await tables.insert("mentions", rows);
}
