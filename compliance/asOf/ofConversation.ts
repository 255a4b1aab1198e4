import { type ConversationEvent, conversationEvents } from "../../domain/conversation/events.ts";
import type { Logged } from "../../projections/logged.ts";

/** An event of a conversation's own stream, at its place in the log. */
export type OfConversation = Extract<Logged, { type: ConversationEvent["type"] }>;

const types: ReadonlySet<string> = new Set(conversationEvents.map(({ type }) => type));
export const isOfConversation = (event: Logged): event is OfConversation => types.has(event.type);
