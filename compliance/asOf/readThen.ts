import { type Rejection, reject } from "../../domain/rejection.ts";
import type { Database } from "../../infra/ports/database.ts";
import { type EventLog, LogUnavailable } from "../../infra/ports/eventLog.ts";
import { KeysUnavailable } from "../../infra/ports/secrets.ts";
import type { Sealing } from "../../sealing/sealing.ts";
import { type Looking, writtenDown } from "../access/writtenDown.ts";
import type { AsOf } from "./asOf.ts";
import { conversationThen, UnreadableThen } from "./conversationThen.ts";
import { atPosition, atTime } from "./logAt.ts";
import type { PageAsked } from "./messageWindow.ts";
import { openThen } from "./openThen.ts";
import type { OpenThen } from "./shapes.ts";

export interface ReadThenParts {
  readonly log: EventLog;
  readonly database: Database;
  readonly sealing: Pick<Sealing, "open" | "seal">;
}

/** What is wanted of which conversation, as of when; absent: as it is now. */
export interface ThenAsked extends PageAsked {
  readonly conversationId: string;
  readonly asOf?: AsOf | undefined;
  readonly membersAfter?: string | undefined;
  /** Of the emergency access under which it is read. */
  readonly grantId?: string;
}

/**
 * Reads a conversation as it was, for whoever may: that it is read is written down before anything is given out, and
 * nothing is where that fails.
 */
export async function readThen(
  { log, database, sealing }: ReadThenParts,
  { conversationId, asOf, membersAfter, grantId, ...page }: ThenAsked,
  by: Looking,
): Promise<OpenThen | Rejection> {
  if ([page.before, page.after, page.around].filter((seq) => seq !== undefined).length > 1)
    return reject("validation-failed", "a page lies before, after or around one seq");
  try {
    const at = await (asOf === undefined
      ? log.head()
      : "position" in asOf
        ? atPosition(log, asOf.position)
        : atTime(log, asOf.time));
    const then = await conversationThen(log, { tenant: by.tenant, conversationId }, at, page);
    if (!then) return reject("not-found", "there was no such conversation");
    const open = await openThen({ database, sealing }, then, membersAfter ?? null);
    const [first, last] = [open.items[0]?.seq ?? null, open.items.at(-1)?.seq ?? null];
    const about = { conversationId, position: at.position, first, last, members: open.members.length, grantId };
    return (await writtenDown({ database, engine: { log, sealing } }, by, "read-conversation", about)) ?? open;
  } catch (error) {
    if (error instanceof KeysUnavailable) return reject("unavailable", "the keys that open content do not answer now");
    if (error instanceof LogUnavailable) return reject("unavailable", "the log cannot be read now");
    if (error instanceof UnreadableThen)
      return reject("unavailable", "it holds what a newer program wrote: this one must be updated first");
    throw error;
  }
}
