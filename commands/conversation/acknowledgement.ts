import { z } from "zod";
import type { Conversation } from "../../domain/conversation/conversation.ts";
import { UserId } from "../../domain/conversation/events.ts";
import { type Rejection, reject } from "../../domain/rejection.ts";
import { Moment } from "./moment.ts";

export const AckBy = Moment.describe(
  "By when each other member is to acknowledge the message; in the future, within 366 days.",
);
export const EscalateTo = z
  .array(UserId)
  .max(100)
  .describe("Members who are told, once, who has not acknowledged by then; with ackBy.");

const MOST_AHEAD_MS = 366 * 86_400_000;
/** Whoever is missing is named in one event and one message. */
const MOST_ASKED = 1_024;

/** Why this cannot be asked of the members of a conversation. */
export function faultInAsking(
  { members }: Conversation,
  { ackBy, escalateTo }: { readonly ackBy: string; readonly escalateTo: readonly string[] },
  now: Date,
): Rejection | undefined {
  const aheadMs = Date.parse(ackBy) - now.getTime();
  if (aheadMs <= 0 || aheadMs > MOST_AHEAD_MS)
    return reject("validation-failed", "ackBy is a time in the future, within 366 days");
  if (escalateTo.some((userId) => !members.has(userId)))
    return reject("validation-failed", "somebody in escalateTo is not a member");
  if (members.size > MOST_ASKED)
    return reject("conflict", `acknowledgements can be asked of at most ${MOST_ASKED} members`);
  return undefined;
}
