import type { AnyFacts } from "../../domain/catalogue.ts";
import { Conversation, evolve, newConversation } from "../../domain/conversation/conversation.ts";
import type { ConversationEvent } from "../../domain/conversation/events.ts";
import { conversationEvents } from "../../domain/conversation/events.ts";
import type { Facts } from "../../domain/event.ts";
import { aggregate } from "../command.ts";
import { noSuchConversation } from "./access.ts";

const types = new Set<string>(conversationEvents.map(({ type }) => type));

const declaration = {
  kind: "conversation" as const,
  initial: newConversation,
  evolve,
  owns: (facts: AnyFacts): facts is AnyFacts & Facts<ConversationEvent> => types.has(facts.type),
  state: Conversation,
  stateVersion: 2,
};

export const conversation = aggregate({
  ...declaration,
  authorise: ({ kind, members }, { userId }) =>
    kind === "none" || members.has(userId) ? undefined : noSuchConversation(),
});

/** As Scripta's and the operator's own hand meet it, which are no member's. */
export const ungatedConversation = aggregate(declaration);
