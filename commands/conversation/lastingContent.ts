import type { Conversation } from "../../domain/conversation/conversation.ts";

/** Whose secret the next name or description takes: nothing said, and it is the conversation's own. */
export function underOf({ redactions }: Pick<Conversation, "redactions">): { under?: string } {
  const last = redactions.at(-1);
  return last ? { under: last.under } : {};
}

/** The field of a sealed content that was opened; undefined where it is erased. */
export const fieldOf = (content: unknown, name: string): unknown =>
  typeof content === "object" && content !== null
    ? Object.entries(content).find(([key]) => key === name)?.[1]
    : undefined;
