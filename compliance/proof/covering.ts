import { MessagesExpired } from "../../domain/conversation/events.ts";
import { streamId } from "../../domain/ids.ts";
import type { Queryable } from "../../infra/ports/database.ts";
import type { EventLog, RecordedEvent } from "../../infra/ports/eventLog.ts";
import { eventOf } from "../tlog/events.ts";

/** The first event of the erasure of a person, as it is in the log. */
export async function erasureOf(
  { log, database }: { readonly log: EventLog; readonly database: Queryable },
  tenant: string,
  userId: string,
): Promise<RecordedEvent | undefined> {
  const { rows } = await database.query<{ erasureId: string }>(
    `select erasure_id as "erasureId" from compliance.erasures where tenant = $1 and user_id = $2 order by asked_at`,
    [tenant, userId],
    "proof-erasure",
  );
  for (const { erasureId } of rows) {
    const event = await eventOf(log, streamId(tenant, "compliance", erasureId), 0);
    if (event) return event;
  }
  return undefined;
}

/** The event that says that the day of this one is past retention in its conversation. */
export async function expiryOf(
  { log }: { readonly log: EventLog },
  event: RecordedEvent,
): Promise<RecordedEvent | undefined> {
  const bucket = event.sealed?.bucket ?? "-";
  if (bucket === "-") return undefined;
  for await (const later of log.readStream(event.stream, event.revision + 1)) {
    if (later.type !== "MessagesExpired") continue;
    if (MessagesExpired.schema.data.parse(JSON.parse(later.data)).days.includes(bucket)) return later;
  }
  return undefined;
}
