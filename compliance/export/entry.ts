import type { AnyFacts } from "../../domain/catalogue.ts";
import { MessageContent } from "../../domain/conversation/events.ts";
import type { ContentState } from "../verifier/streamEvidence.ts";

/** What happened, in words that formats share. */
export type What =
  | "created"
  | "named"
  | "described"
  | "redacted"
  | "pictured"
  | "history"
  | "joined"
  | "role"
  | "left"
  | "preferences"
  | "sent"
  | "edited"
  | "deleted"
  | "reacted"
  | "unreacted"
  | "acknowledgement-asked"
  | "acknowledged"
  | "fell-due"
  | "expired"
  | "marked"
  | "registered"
  | "profile"
  | "signed-in"
  | "signed-out"
  | "deactivated"
  | "reactivated"
  | "erased"
  | "roles";

/** One thing that happened, as every format tells it: the lines of a JSON export are just these. */
export interface Entry {
  readonly what: What;
  /** The conversation's id, the person's, the tenant's: the UUID in the stream's name. */
  readonly of: string;
  readonly revision: number;
  readonly recordedAt: string;
  /** Whom it is about: the author of a message, who joined, whose mark. */
  readonly personId: string | null;
  /** Who did it, where somebody did. */
  readonly actorId: string | null;
  readonly messageId: string | null;
  readonly seq: number | null;
  /** Of sealed content; null where there was none. */
  readonly state: ContentState | null;
  /** A message's text, a name, a description. */
  readonly text: string | null;
  /** When its sender sent or edited it; of what was imported the original's time. */
  readonly at: string | null;
  readonly replyTo: string | null;
  readonly threadRoot: string | null;
  readonly mentions: readonly string[];
  readonly attachments: readonly Attachment[];
  /** What only this kind of thing has, such as a role or an emoji. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Attachment {
  readonly mediaId: string;
  readonly name: string | null;
  readonly kind: string;
  readonly size: number;
  readonly mimeType: string;
}

/** An event to be told: its facts in the shape of today's version, its content as today's version has it. */
export type Told = AnyFacts & {
  readonly of: string;
  readonly revision: number;
  /** Milliseconds since 1970. */
  readonly recordedAt: number;
  readonly actorId: string | null;
  readonly state: ContentState | null;
  /** Undefined where it does not open here. */
  readonly content: unknown;
};

type Part = Partial<Omit<Entry, "what" | "of" | "revision" | "recordedAt" | "state">>;

/** What an event tells; marks that arrived together are several things. */
export function entriesOf(event: Told): Entry[] {
  const { of, revision, recordedAt, actorId, state, content } = event;
  const entry = (what: What, part: Part = {}): Entry => ({
    what,
    of,
    revision,
    recordedAt: new Date(recordedAt).toISOString(),
    personId: null,
    actorId,
    messageId: null,
    seq: null,
    state,
    text: null,
    at: null,
    replyTo: null,
    threadRoot: null,
    mentions: [],
    attachments: [],
    details: {},
    ...part,
  });
  switch (event.type) {
    case "ConversationCreated":
      return [entry("created", { details: event.data })];
    case "ConversationRenamed":
      return [entry("named", { text: textIn(content, "name") })];
    case "ConversationDescribed":
      return [entry("described", { text: textIn(content, "description") })];
    case "ConversationNameRedacted":
      return [entry("redacted", { details: event.data })];
    case "ConversationPictured":
      return [entry("pictured", { details: event.data })];
    case "HistoryVisibilityChanged":
      return [entry("history", { details: event.data })];
    case "MemberAdded":
      return [entry("joined", { personId: event.data.userId, details: rest(event.data) })];
    case "MemberRoleChanged":
      return [entry("role", { personId: event.data.userId, details: rest(event.data) })];
    case "MemberRemoved":
      return [entry("left", { personId: event.data.userId, details: rest(event.data) })];
    case "MemberPreferencesChanged":
      return [entry("preferences", { personId: event.data.userId, details: rest(event.data) })];
    case "MessageSent": {
      const { target, seq, authorId, sentAt, replyTo, threadRoot, mentions = [], attachments = [], kind } = event.data;
      const said = MessageContent.safeParse(content);
      const names = new Map(said.data?.attachments?.map(({ mediaId, name }) => [mediaId, name]));
      const { ciphertext, keyInfo } = said.data ?? {};
      return [
        entry("sent", {
          personId: authorId,
          messageId: target,
          seq,
          text: said.data?.text ?? null,
          at: sentAt,
          replyTo: replyTo ?? null,
          threadRoot: threadRoot ?? null,
          mentions,
          attachments: attachments.map((facts) => ({
            mediaId: facts.mediaId,
            name: names.get(facts.mediaId) ?? null,
            kind: facts.kind,
            size: facts.size,
            mimeType: facts.mimeType,
          })),
          details: {
            kind,
            ...(ciphertext === undefined ? {} : { ciphertext }),
            ...(keyInfo === undefined ? {} : { keyInfo }),
          },
        }),
      ];
    }
    case "MessageEdited": {
      const { target, seq, authorId, editedAt, mentions = [] } = event.data;
      const text = textIn(content, "text");
      return [entry("edited", { personId: authorId, messageId: target, seq, text, at: editedAt, mentions })];
    }
    case "MessageDeleted":
      return [entry("deleted", { personId: event.data.authorId, messageId: event.data.target, seq: event.data.seq })];
    case "ReactionAdded":
    case "ReactionRemoved": {
      const { target, seq, emoji, userId } = event.data;
      const what = event.type === "ReactionAdded" ? "reacted" : "unreacted";
      return [entry(what, { personId: userId, messageId: target, seq, details: { emoji } })];
    }
    case "AcknowledgementRequested":
    case "MessageAcknowledged":
    case "AcknowledgementFellDue":
      return [entry(acknowledging[event.type], acknowledgement(event.data))];
    case "MessagesExpired":
      return [entry("expired", { details: { days: event.data.days, expiredTo: event.data.expiredTo } })];
    case "MarksRaised":
      return event.data.marks.map(({ userId, ...details }) =>
        entry("marked", { personId: userId, seq: details.read, at: details.at, details }),
      );
    case "UserRegistered":
      return [entry("registered", { personId: of, details: { ...event.data, ...fieldsIn(content) } })];
    case "ProfileChanged":
      return [entry("profile", { personId: of, details: { ...event.data, ...fieldsIn(content) } })];
    case "DeviceSignedIn":
      return [entry("signed-in", { personId: of, details: { ...event.data, ...fieldsIn(content) } })];
    case "DeviceSignedOut":
      return [entry("signed-out", { personId: of, details: event.data })];
    case "PreferencesChanged":
      return [entry("preferences", { personId: of, details: event.data })];
    case "UserDeactivated":
      return [entry("deactivated", { personId: of })];
    case "UserReactivated":
      return [entry("reactivated", { personId: of })];
    case "UserErased":
      return [entry("erased", { personId: of, details: event.data })];
    case "RolesChanged":
      return [entry("roles", { personId: event.data.userId, details: rest(event.data) })];
    case "TenantFounded":
    case "RetentionChanged":
    case "PoliciesChanged":
    case "ErasureRequested":
    case "ErasurePrepared":
    case "ErasureHeld":
    case "ErasureTookEffect":
    case "ErasureSinkSwept":
    case "ErasureFailed":
    case "ErasureCompleted":
    case "ErasureBecameFinal":
    case "ErasureCertified":
    case "HoldPlaced":
    case "HoldLifted":
    case "AccessLogSealed":
    case "BreakGlassOpened":
    case "BreakGlassEnded":
    case "ExportRequested":
    case "ExportGivenOut":
    case "ApprovalAsked":
    case "ApprovalGiven":
      // Nobody's to be told: they are in an archive as evidence alone.
      return [];
    default:
      return event satisfies never;
  }
}

const acknowledging = {
  AcknowledgementRequested: "acknowledgement-asked",
  MessageAcknowledged: "acknowledged",
  AcknowledgementFellDue: "fell-due",
} as const;

/** Whom it is about is who asked, or who did. */
function acknowledgement(data: {
  readonly target: string;
  readonly seq: number;
  readonly userId?: string;
  readonly authorId?: string;
}): Part {
  const { target, seq, userId, authorId, ...details } = data;
  return { personId: userId ?? authorId ?? null, messageId: target, seq, details };
}

function rest<Data extends { readonly userId: string }>({ userId: _, ...others }: Data): Record<string, unknown> {
  return others;
}

const fieldsIn = (content: unknown): Record<string, unknown> =>
  typeof content === "object" && content !== null ? { ...content } : {};

function textIn(content: unknown, field: string): string | null {
  const value = fieldsIn(content)[field];
  return typeof value === "string" ? value : null;
}
