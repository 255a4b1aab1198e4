import { type StreamId, streamId, tenantId } from "../../domain/ids.ts";
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

interface Range {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

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

/** By this person, or of them. */
const isOf =
  (userId: string) =>
  ({ data }: Logged): boolean =>
    ("authorId" in data && data.authorId === userId) || ("userId" in data && data.userId === userId);

/**
 * A person's affairs: what they wrote, with all versions, and what is known of them. Of others ids alone: what they said in
 * the same conversations is accounted for by hashes.
 */
export function ofPerson(tenant: string, userId: string, conversationIds: readonly string[], range: Range): Selection {
  const [isWithin, isTheirs] = [within(range), isOf(userId)];
  return {
    streams: [
      streamId(tenant, "user", userId),
      streamId(tenant, "tenant", tenantId(tenant)),
      ...conversationIds.map((id) => streamId(tenant, "conversation", id)),
    ],
    shows(event) {
      if (event.type === "ConversationCreated" || event.type === "MessagesExpired") return true;
      return event.kind === "user" ? isWithin(event) : isTheirs(event) && (isFrame(event) || isWithin(event));
    },
    opens: () => true,
    opensHeld: false,
  };
}

/** What a hold preserves, opened also where nobody else may read it any more. */
export function ofMatter(
  tenant: string,
  conversationIds: readonly string[],
  userId: string | undefined,
  range: Range,
): Selection {
  const isWithin = within(range);
  const isMeant = userId === undefined ? () => true : isOf(userId);
  return {
    streams: conversationIds.flatMap((id) => [
      streamId(tenant, "conversation", id),
      ...(userId === undefined ? [streamId(tenant, "receipts", id)] : []),
    ]),
    shows: (event) => isFrame(event) || (isWithin(event) && isMeant(event)),
    opens: () => true,
    opensHeld: true,
  };
}

/** The erasures that took what is gone: that they were asked for, and not why. */
export const ofErasures = (streams: readonly StreamId[]): Selection => ({
  streams,
  shows: ({ type }) => type === "ErasureRequested",
  opens: () => false,
  opensHeld: false,
});
