/** The wire of the public API, version 1, as types: what goes over HTTP and the WebSocket, and nothing else. */

export type Role = "owner" | "admin" | "member" | "guest";
export type ServerRole = "admin" | "compliance" | "auditor" | "moderator" | "break-glass";
export type Notify = "all" | "mentions" | "none";
export type HistoryVisibility = "joined" | "all";
export type MessageKind = "text" | "media" | "encrypted" | "system";
/** RFC 3339, UTC, milliseconds. */
export type Time = string;

export type ProblemCode =
  | "validation-failed"
  | "unauthenticated"
  | "forbidden"
  | "not-found"
  | "method-not-allowed"
  | "conflict"
  | "held"
  | "gone"
  | "erased"
  | "too-large"
  | "unsupported-media-type"
  | "rate-limited"
  | "projection-behind"
  | "unavailable";

/** @see RFC 9457 */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ProblemCode;
  readonly detail?: string;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
  readonly traceId: string;
}

export interface Device {
  readonly name: string;
  readonly platform: string;
}

export interface SignedIn {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly userId: string;
  readonly deviceId: string;
}

export interface Preferences {
  readonly quietHours: {
    readonly from: string;
    readonly to: string;
    readonly timeZone: string;
    readonly days?: readonly ("mon" | "tue" | "wed" | "thu" | "fri" | "sat" | "sun")[];
  } | null;
  readonly preview: boolean;
  readonly enabled: boolean;
}

export interface Me {
  readonly userId: string;
  readonly username: string | null;
  readonly displayName: string | null;
  readonly avatar: string | null;
  readonly roles: readonly ServerRole[];
  readonly preferences: Preferences;
  readonly revision: number;
}

export interface User {
  readonly userId: string;
  readonly username: string | null;
  readonly displayName: string | null;
  readonly avatar: string | null;
  readonly erased: boolean;
}

export interface Attachment {
  readonly mediaId: string;
  readonly kind: "image" | "video" | "audio" | "file";
  readonly name: string | null;
  readonly size: number;
  readonly mimeType: string;
  readonly width?: number;
  readonly height?: number;
}

export interface Reaction {
  readonly emoji: string;
  readonly count: number;
  /** At most 50 of them. */
  readonly userIds: readonly string[];
  /** Over HTTP alone. */
  readonly mine?: boolean;
}

export interface Acknowledgement {
  readonly ackBy: Time;
  readonly escalateTo: readonly string[];
  readonly count: number;
  /** At most 50 of them. */
  readonly acknowledged: readonly { readonly userId: string; readonly at: Time; readonly late: boolean }[];
  /** Over HTTP alone. */
  readonly mine?: boolean;
}

export interface Message {
  readonly messageId: string;
  readonly conversationId: string;
  readonly seq: number;
  readonly revision: number;
  readonly senderId: string;
  readonly kind: MessageKind;
  readonly text: string | null;
  readonly ciphertext?: string | null;
  readonly keyInfo?: unknown;
  readonly replyTo: string | null;
  readonly threadRoot: string | null;
  readonly threadCount: number;
  readonly mentions: readonly string[];
  readonly attachments: readonly Attachment[];
  readonly reactions: readonly Reaction[];
  readonly sentAt: Time;
  readonly editedAt: Time | null;
  readonly deleted: boolean;
  readonly erased: boolean;
  /** Of a message that was sent with `ackBy`. */
  readonly acknowledgement?: Acknowledgement;
  /** Of a system message that tells so: who had not acknowledged, in time, the message that it replies to. */
  readonly overdue?: readonly string[];
}

export interface Conversation {
  readonly conversationId: string;
  readonly kind: "direct" | "group";
  readonly name: string | null;
  readonly description: string | null;
  readonly avatar: string | null;
  readonly peer: { readonly userId: string; readonly displayName: string | null } | null;
  readonly settings: { readonly historyVisibility: HistoryVisibility };
  readonly role: Role;
  readonly memberCount: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly lastMessage: Message | null;
  readonly read: number;
  readonly delivered: number;
  readonly unread: number;
  readonly mentions: number;
  readonly notify: Notify;
  readonly mutedUntil: Time | null;
  readonly expiredTo: number | null;
  readonly revision: number;
  readonly position: number;
}

export interface Member {
  readonly userId: string;
  readonly role: Role;
  readonly displayName: string | null;
  readonly joinedAt: Time | null;
  readonly leftAt: Time | null;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly cursor: string | null;
}

export interface MessagePage {
  readonly items: readonly Message[];
  readonly more: { readonly before: boolean; readonly after: boolean };
}

/** Of one message in a direct question; `userId`s beyond the page follow under `cursor`. */
export interface Receipts extends Page<{ userId: string; deliveredAt: Time | null; readAt: Time | null }> {
  readonly delivered: number;
  readonly read: number;
  readonly total: number;
}

/** `userId`s beyond the page follow under `cursor`. */
export interface Acknowledgements
  extends Page<{ readonly userId: string; readonly at: Time | null; readonly late: boolean }> {
  readonly ackBy: Time;
  readonly acknowledged: number;
  readonly missing: number;
}

export interface Found {
  readonly message: Message;
  /** In UTF-16 units. */
  readonly highlights: readonly { readonly start: number; readonly length: number }[];
}

export type Change =
  | { readonly op: "me"; readonly revision: number; readonly me: Me }
  | ({ readonly op: "preferences"; readonly conversationId: string; readonly revision?: number } & {
      readonly notify: Notify;
      readonly mutedUntil: Time | null;
    })
  | {
      readonly op: "conversation";
      readonly conversationId: string;
      readonly revision: number;
      readonly conversation: Conversation;
    }
  | { readonly op: "left"; readonly conversationId: string }
  | {
      readonly op: "member";
      readonly conversationId: string;
      readonly userId: string;
      readonly revision: number;
      readonly member: Member;
    }
  | {
      readonly op: "message";
      readonly conversationId: string;
      readonly messageId: string;
      readonly revision: number;
      readonly message: Message;
    }
  | {
      readonly op: "receipt";
      readonly conversationId: string;
      readonly userId: string;
      readonly delivered: number;
      readonly read: number;
    }
  | { readonly op: "unread"; readonly conversationId: string; readonly unread: number; readonly mentions: number }
  | {
      readonly op: "user";
      readonly userId: string;
      readonly displayName: string | null;
      readonly avatar: string | null;
      readonly erased: boolean;
      readonly revision: number;
    };

export interface SyncPage {
  readonly changes: readonly Change[];
  readonly cursor: string;
  readonly more: boolean;
  readonly reset: boolean;
}

interface Done {
  readonly position: number;
  readonly revision: number;
}

type In = { readonly conversationId: string };
type About = In & { readonly messageId: string };

/** What every command takes and answers: a route's path parameters and body in one object. */
export interface Commands {
  CreateConversation: {
    payload:
      | { readonly kind: "direct"; readonly userId: string }
      | {
          readonly kind: "group";
          readonly name: string;
          readonly members: readonly { readonly userId: string; readonly role?: Role }[];
        };
    answer: Done & In;
  };
  UpdateConversation: {
    payload: In & {
      readonly name?: string;
      readonly description?: string | null;
      readonly avatar?: string | null;
      readonly settings?: { readonly historyVisibility: HistoryVisibility };
    };
    answer: Done;
  };
  AddMember: { payload: In & { readonly userId: string; readonly role?: Role }; answer: Done };
  ChangeMemberRole: { payload: In & { readonly userId: string; readonly role: Role }; answer: Done };
  RemoveMember: { payload: In & { readonly userId: string }; answer: Done };
  SendMessage: {
    payload: About & {
      readonly kind: Exclude<MessageKind, "system">;
      readonly text: string | null;
      readonly ciphertext?: string;
      readonly keyInfo?: unknown;
      readonly replyTo?: string;
      readonly threadRoot?: string;
      readonly mentions?: readonly string[];
      readonly attachments?: readonly { readonly mediaId: string; readonly name?: string }[];
      readonly ackBy?: Time;
      readonly escalateTo?: readonly string[];
    };
    answer: Done & { readonly messageId: string; readonly seq: number; readonly sentAt: Time };
  };
  EditMessage: { payload: About & { readonly text: string; readonly mentions?: readonly string[] }; answer: Done };
  DeleteMessage: { payload: About; answer: Done };
  AddReaction: { payload: About & { readonly emoji: string }; answer: Done };
  RemoveReaction: { payload: About & { readonly emoji: string }; answer: Done };
  AcknowledgeMessage: { payload: About; answer: Done };
  MarkRead: {
    payload: In & { readonly seq: number };
    answer: Done & { readonly read: number; readonly delivered: number };
  };
  MarkDelivered: {
    payload: In & { readonly seq: number };
    answer: Done & { readonly read: number; readonly delivered: number };
  };
  UpdateProfile: { payload: { readonly displayName?: string; readonly avatar?: string | null }; answer: Done };
  SetPreferences: { payload: Preferences; answer: Done };
  SetConversationPreferences: {
    payload: In & { readonly notify: Notify; readonly mutedUntil: Time | null };
    answer: Done;
  };
}

export type CommandName = keyof Commands;
export type Payload<Name extends CommandName> = Commands[Name]["payload"];
export type Answer<Name extends CommandName> = Commands[Name]["answer"];

export type PresenceStatus = "online" | "away" | "offline";

export type ClientFrame =
  | { readonly type: "hello"; readonly token: string; readonly cursor?: string }
  | { readonly type: "command"; readonly id: string; readonly name: CommandName; readonly payload: object }
  | { readonly type: "typing"; readonly conversationId: string }
  | { readonly type: "presence"; readonly status: "online" | "away" }
  | { readonly type: "watch"; readonly userIds: readonly string[] }
  | { readonly type: "renew"; readonly token: string }
  | { readonly type: "ping" };

export type ServerFrame =
  | { readonly type: "ready"; readonly userId: string; readonly deviceId: string; readonly resumed: boolean }
  | { readonly type: "changes"; readonly position: number; readonly changes: readonly Change[] }
  | { readonly type: "cursor"; readonly cursor: string }
  | { readonly type: "live"; readonly cursor: string }
  | { readonly type: "reset" }
  | ({ readonly type: "ack"; readonly id: string } & Done)
  | {
      readonly type: "reject";
      readonly id: string;
      readonly code: ProblemCode;
      readonly detail?: string;
      /** Seconds. */
      readonly retryAfter?: number;
    }
  | { readonly type: "typing"; readonly conversationId: string; readonly userId: string; readonly expiresAt: Time }
  | {
      readonly type: "presence";
      readonly userId: string;
      readonly status: PresenceStatus;
      readonly lastSeen: Time | null;
    }
  | { readonly type: "renewed" }
  /** `in`: seconds. */
  | { readonly type: "expiring"; readonly in: number }
  | { readonly type: "pong" };
