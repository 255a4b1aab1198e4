import type { Facts } from "./facts.ts";
import { conversationIdOf } from "./facts.ts";
import type { Violation } from "./violation.ts";

/** What the log must be by itself. */
export function* logRules({ history, conversations, recorded, attempts }: Facts): Generator<Violation> {
  let position = 0;
  let recordedAt = 0;
  const revisions = new Map<string, number>();
  for (const entry of history.log) {
    const rule = "log-out-of-order";
    const expected = (revisions.get(entry.stream) ?? -1) + 1;
    if (entry.position <= position) yield { rule, what: `position ${entry.position} follows ${position}` };
    if (entry.recordedAt < recordedAt) yield { rule, what: `the time fell at position ${entry.position}` };
    if (entry.revision !== expected)
      yield { rule, what: `${entry.stream} has revision ${entry.revision} in place of ${expected}` };
    revisions.set(entry.stream, entry.revision);
    position = entry.position;
    recordedAt = entry.recordedAt;
  }

  for (const [id, { inOrder }] of conversations) {
    for (const [index, { seq, messageId }] of inOrder.entries())
      if (seq !== index + 1)
        yield { rule: "log-out-of-order", what: `${messageId} of ${id} has seq ${seq} in place of ${index + 1}` };
    const ids = new Set(inOrder.map(({ messageId }) => messageId));
    if (ids.size < inOrder.length) yield { rule: "recorded-twice", what: `a message of ${id} is in the log twice` };
  }

  for (const [commandId, entries] of recorded) {
    const [entry, ...others] = entries;
    if (!entry) continue;
    if (others.some(({ stream }) => stream === entry.stream))
      yield { rule: "recorded-twice", what: `the command ${commandId} is in ${entry.stream} twice` };
    if (conversationIdOf(entry.stream) !== undefined && !attempts.has(commandId))
      yield { rule: "never-asked", what: `${entry.type} of ${entry.stream} at ${entry.position}` };
  }
}
