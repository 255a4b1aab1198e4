import type { ExportScope } from "../../domain/compliance/events.ts";
import { type StreamId, streamId } from "../../domain/ids.ts";
import type { Logged } from "../../projections/logged.ts";

/** Which streams an archive is of, and what of them it shows; all else is accounted for by hashes. */
export interface Selection {
  /** In the order of the archive. */
  readonly streams: readonly StreamId[];
  shows(event: Logged): boolean;
  /** Whether the content of what is shown is opened. */
  opens(event: Logged): boolean;
  /** What only a hold still keeps is opened, too. */
  readonly opensHeld: boolean;
}

/** What is said of a conversation as a whole, and who was in it: shown whatever time is asked for, so that what is shown
 * can be understood. */
const isFrame = ({ type }: Logged): boolean =>
  type === "ConversationCreated" ||
  type === "ConversationRenamed" ||
  type === "ConversationDescribed" ||
  type === "ConversationNameRedacted" ||
  type === "ConversationPictured" ||
  type === "HistoryVisibilityChanged" ||
  type === "MemberAdded" ||
  type === "MemberRoleChanged" ||
  type === "MemberRemoved" ||
  type === "MessagesExpired";

type Range = Pick<ExportScope, "from" | "to">;

/** By the time of recording, both ends included. */
function within({ from, to }: Range): (event: Logged) => boolean {
  const [first, last] = [from === undefined ? -1 : Date.parse(from), to === undefined ? Infinity : Date.parse(to)];
  return ({ recordedAt }) => recordedAt >= first && recordedAt <= last;
}

/** Whole conversations: what was said in them, and who had read what. */
export function ofConversations(tenant: string, conversationIds: readonly string[], range: Range): Selection {
  const isWithin = within(range);
  return {
    streams: conversationIds.flatMap((id) => [streamId(tenant, "conversation", id), streamId(tenant, "receipts", id)]),
    shows: (event) => isFrame(event) || isWithin(event),
    opens: () => true,
    opensHeld: false,
  };
}

/** The erasures that took what is gone: that they were asked for, and not why. */
export const ofErasures = (streams: readonly StreamId[]): Selection => ({
  streams,
  shows: ({ type }) => type === "ErasureRequested",
  opens: () => false,
  opensHeld: false,
});
