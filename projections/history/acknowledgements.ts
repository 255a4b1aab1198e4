import type { Tables } from "../projection.ts";
import type { HistoryEvent } from "./historyEvent.ts";

interface Acknowledgement {
  readonly tenant: string;
  readonly conversation: string;
  readonly seq: number;
  readonly user_id: string;
  readonly at: string;
  readonly position: number;
}

/** Those of a deleted message go with it. */
export async function foldAcknowledgements(
  events: readonly HistoryEvent[],
  tables: Tables,
  schema: string,
): Promise<void> {
  const given: Acknowledgement[] = [];
  const deleted = new Map<string, Pick<Acknowledgement, "tenant" | "conversation" | "seq">>();
  const keyOf = ({ tenant, conversation, seq }: Pick<Acknowledgement, "tenant" | "conversation" | "seq">) =>
    `${tenant}/${conversation}/${seq}`;
  for (const { type, tenant, of: conversation, position, data } of events) {
    const place = { tenant, conversation, seq: data.seq };
    if (type === "MessageAcknowledged") given.push({ ...place, user_id: data.userId, at: data.at, position });
    if (type === "MessageDeleted") deleted.set(keyOf(place), place);
  }
  if (deleted.size > 0)
    tables.send(
      `delete from ${schema}.acks a using json_to_recordset($1) as d(tenant text, conversation uuid, seq bigint)
       where a.tenant = d.tenant and a.conversation = d.conversation and a.seq = d.seq`,
      [JSON.stringify([...deleted.values()])],
      `${schema}-delete-acks`,
    );
  // Nothing is acknowledged once it is deleted.
  const standing = given.filter((one) => !deleted.has(keyOf(one)));
  if (standing.length > 0) await tables.insert("acks", standing);
}
