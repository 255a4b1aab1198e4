import type { HistoryVisibility, Role } from "../domain/conversation/events.ts";
import type { Membership } from "../domain/conversation/visibility.ts";
import type { Logged } from "../projections/logged.ts";

/** An idempotent operation on a client's state; its shapes are those of sync. */
export interface Change {
  readonly op: string;
  readonly [field: string]: unknown;
}

/** Whose eyes something is made for. */
export interface Viewer {
  readonly tenant: string;
  readonly userId: string;
  readonly deviceId: string;
}

/** A conversation of somebody, as far as deciding who gets what takes it. */
export interface Belonging {
  readonly conversationId: string;
  readonly role: Role;
  readonly memberships: readonly Membership[];
  readonly historyVisibility: HistoryVisibility;
  readonly memberCount: number;
  readonly lastSeq: number;
}

export interface CatchUpPage {
  /** Local state is to be dropped before the changes of this page. */
  readonly reset: boolean;
  readonly changes: readonly Change[];
  readonly cursor: string;
  /** All up to here is included, once the last page is sent. */
  readonly upTo: number;
}

export interface MessageKey {
  readonly conversationId: string;
  readonly messageId: string;
}

export interface PersonKey {
  readonly conversationId: string;
  readonly userId: string;
}

export type Sent = Extract<Logged, { type: "MessageSent" }>;

/** What the gateway reads of the read models: the same changes, to the byte, that sync gives. */
export interface ChangeSource {
  /** From a cursor (none, or one that does not hold: a reset and all) to the read models' checkpoint at its start. */
  catchUp(viewer: Viewer, cursor: string | undefined): AsyncIterable<CatchUpPage>;
  cursorAt(viewer: Viewer, position: number): string;
  /** Where a person belongs now, and the position as of which that is so. */
  belongings(
    tenant: string,
    userId: string,
  ): Promise<{ readonly position: number; readonly conversations: readonly Belonging[] }>;
  /** New messages, made from their events alone, in their order: where nothing has touched them since. */
  sent(events: readonly Sent[]): Promise<readonly Change[]>;
  /** Changes that are the same for everyone who may see them. Keys of what is not there are left out. */
  messages(tenant: string, keys: readonly MessageKey[]): Promise<ReadonlyMap<string, Change>>;
  members(tenant: string, keys: readonly PersonKey[]): Promise<ReadonlyMap<string, Change>>;
  receipts(tenant: string, keys: readonly PersonKey[]): Promise<ReadonlyMap<string, Change>>;
  users(tenant: string, userIds: readonly string[]): Promise<ReadonlyMap<string, Change>>;
  /** Changes for one person each. */
  conversations(tenant: string, keys: readonly PersonKey[]): Promise<ReadonlyMap<string, Change>>;
  preferences(tenant: string, keys: readonly PersonKey[]): Promise<ReadonlyMap<string, Change>>;
  /** By person; of messages up to a seq, since what a device was not sent yet it will count by itself. */
  unread(
    tenant: string,
    conversationId: string,
    userIds: readonly string[],
    seq: number,
  ): Promise<ReadonlyMap<string, Change>>;
  me(tenant: string, userIds: readonly string[]): Promise<ReadonlyMap<string, Change>>;
  /** All that a snapshot holds of a conversation, in its order, up to a seq; empty where the person is no member. */
  anew(tenant: string, key: PersonKey, upTo: number): Promise<readonly Change[]>;
  /** Where a person is a member or was one. */
  conversationsEver(tenant: string, userId: string): Promise<readonly string[]>;
  /** Whether the two share a conversation. */
  share(tenant: string, userId: string, others: readonly string[]): Promise<ReadonlySet<string>>;
}

/** How the maps above are keyed. */
export const messageKey = ({ conversationId, messageId }: MessageKey): string => `${conversationId} ${messageId}`;
export const personKey = ({ conversationId, userId }: PersonKey): string => `${conversationId} ${userId}`;
