import { hash } from "node:crypto";
import { z } from "zod";

/** Everything that Scripta derives (rather than draws) is a UUIDv5 in this namespace. */
const NAMESPACE = Buffer.from("9cf4fddda8205902b11b1a592731e48c", "hex");

export const Uuid = z.uuid().toLowerCase();
export const TenantName = z.string().regex(/^[a-z0-9-]{1,32}$/);

export type StreamKind = "conversation" | "receipts" | "user" | "tenant" | "compliance";
export const streamKinds: readonly StreamKind[] = ["conversation", "receipts", "user", "tenant", "compliance"];

/** `<tenant>/<kind>-<uuid>`: the unit of order and of expected revisions. */
export type StreamId = `${string}/${StreamKind}-${string}`;

export const streamId = (tenant: string, kind: StreamKind, id: string): StreamId => `${tenant}/${kind}-${id}`;

const STREAM = /^([a-z0-9-]{1,32})\/(conversation|receipts|user|tenant|compliance)-([0-9a-f-]{36})$/;

/** The parts of a stream's name. Throws on what was never a stream of ours. */
export function parseStreamId(stream: string): { tenant: string; kind: StreamKind; id: string } {
  const [, tenant, kindName, id] = STREAM.exec(stream) ?? [];
  const kind = streamKinds.find((known) => known === kindName);
  if (!tenant || !kind || !id) throw new Error(`not a stream of Scripta's: ${JSON.stringify(stream)}`);
  return { tenant, kind, id };
}

/** UUIDv5 of a name in Scripta's namespace. @see RFC 9562 §5.5 */
export function uuidV5(name: string): string {
  const digest = hash("sha1", Buffer.concat([NAMESPACE, Buffer.from(name, "utf8")]), "hex");
  const variant = ((Number.parseInt(digest.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  const parts = [digest.slice(0, 8), digest.slice(8, 12), `5${digest.slice(13, 16)}`];
  return `${parts.join("-")}-${variant}${digest.slice(18, 20)}-${digest.slice(20, 32)}`;
}

/** Computed and never stored: an event's id follows from the command that led to it, so a retry cannot make a second. */
export const eventId = (stream: StreamId, commandId: string, ordinal: number): string =>
  uuidV5(JSON.stringify(["event", stream, commandId, ordinal]));

/** The one direct conversation of two people, whoever of them asks. */
export function directConversationId(tenant: string, one: string, other: string): string {
  const [first, second] = one < other ? [one, other] : [other, one];
  return uuidV5(JSON.stringify(["direct", tenant, first, second]));
}

/** What a command creates is named after its sender and its key, so that a retry finds the same thing. */
export const createdId = (
  what: "conversation" | "user" | "erasure" | "hold" | "export" | "retention",
  tenant: string,
  by: string,
  commandId: string,
): string => uuidV5(JSON.stringify([what, tenant, by, commandId]));

/**
 * Whose secret the names of a conversation take once an erasure redacted those of before. A UUIDv8, so that it is told from
 * every person's and conversation's id.
 */
export function redactedNameSubject(tenant: string, conversationId: string, erasureId: string): string {
  const id = uuidV5(JSON.stringify(["redacted-name", tenant, conversationId, erasureId]));
  return `${id.slice(0, 14)}8${id.slice(15)}`;
}

export const isRedactedNameSubject = (subject: string): boolean => subject[14] === "8";

export const tenantId = (tenant: string): string => uuidV5(JSON.stringify(["tenant", tenant]));

export const importedUserId = (tenant: string, slackId: string): string =>
  uuidV5(JSON.stringify(["slack-user", tenant, slackId]));

export const importedConversationId = (tenant: string, slackId: string): string =>
  uuidV5(JSON.stringify(["slack-conversation", tenant, slackId]));

export const importedMessageId = (slackChannelId: string, ts: string): string =>
  uuidV5(`slack/${slackChannelId}/${ts}`);
