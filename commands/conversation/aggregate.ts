import type { AnyFacts } from "../../domain/catalogue.ts";
import { evolve, newConversation } from "../../domain/conversation/conversation.ts";
import type { ConversationEvent } from "../../domain/conversation/events.ts";
import { conversationEvents } from "../../domain/conversation/events.ts";
import type { Facts } from "../../domain/event.ts";
import { aggregate } from "../command.ts";
import { noSuchConversation } from "./access.ts";

const types = new Set<string>(conversationEvents.map(({ type }) => type));

export const conversation = aggregate({
  kind: "conversation",
  initial: newConversation,
  evolve,
  owns: (facts: AnyFacts): facts is AnyFacts & Facts<ConversationEvent> => types.has(facts.type),
  authorise: ({ kind, members }, { userId }) =>
    kind === "none" || members.has(userId) ? undefined : noSuchConversation(),
  stateVersion: 1,
});
