import { aggregate } from "../command.ts";
import { conversation } from "../conversation/aggregate.ts";

const { authorise: _membersAlone, ...declaration } = conversation;

/** A conversation as the operator's own hand meets it, which is no member's. */
export const importedConversation = aggregate(declaration);
