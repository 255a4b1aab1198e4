import type { Facts } from "./facts.ts";
import type { Attempt, LogEntry } from "./history.ts";
import type { Violation } from "./violation.ts";

/** What must hold between what clients were told and what the log holds. */
export function* commandRules(facts: Facts): Generator<Violation> {
  const lastOf = lastEvents(facts.history.log);
  for (const [commandId, attempts] of facts.attempts) {
    const [first] = facts.recorded.get(commandId) ?? [];
    yield* judged(commandId, attempts, first, lastOf.get(commandId));
  }
  yield* inRealTime(facts);
}

/** The last event of each command: what its answer tells of. */
const lastEvents = (log: readonly LogEntry[]) => new Map(log.map((entry) => [entry.commandId, entry]));

function* judged(
  commandId: string,
  attempts: readonly Attempt[],
  first: LogEntry | undefined,
  last: LogEntry | undefined,
): Generator<Violation> {
  const told = attempts.filter(({ outcome }) => outcome === "ok");
  const about = `${attempts[0]?.name} ${commandId}`;
  const open = attempts.some(({ outcome }) => outcome === "unknown" || outcome === "invoked");
  if (first && told.length === 0 && !open && attempts.some(({ outcome }) => outcome === "failed"))
    yield { rule: "refused-but-recorded", what: `${about} was refused (${attempts[0]?.code})` };
  for (const { userId, answer, name } of told) {
    if (!answer) continue;
    if (!first || !last) {
      if (!mayHaveNoEffect(name)) yield { rule: "acknowledged-lost", what: `${about} at ${answer.position}` };
      continue;
    }
    if (first.actorId !== null && first.actorId !== userId)
      yield { rule: "key-of-another", what: `${about} of ${first.actorId} was acknowledged to ${userId}` };
    const seq = last.type === "MessageSent" ? Number(last.data.seq) : answer.seq;
    if (answer.position !== last.position || answer.revision !== last.revision || answer.seq !== seq)
      yield {
        rule: "answer-differs",
        what: `${about}: told ${JSON.stringify(answer)}, in the log at ${last.position}, revision ${last.revision}`,
      };
  }
}

/** What is so already is answered by the event that made it so, and nothing is recorded. */
const mayHaveNoEffect = (name: string): boolean => name !== "SendMessage";

/** What somebody asked for after an answer had come cannot lie before that answer's event. */
function* inRealTime({ attempts, recorded }: Facts): Generator<Violation> {
  const commands = [...attempts].flatMap(([commandId, tries]) => {
    const [first] = recorded.get(commandId) ?? [];
    if (!first) return [];
    const ended = tries.flatMap(({ outcome, endedAt }) => (outcome === "ok" && endedAt !== undefined ? [endedAt] : []));
    const invokedAt = Math.min(...tries.map((attempt) => attempt.invokedAt));
    return [{ commandId, position: first.position, invokedAt, endedAt: Math.min(...ended) }];
  });
  let soonest = { endedAt: Number.POSITIVE_INFINITY, commandId: "" };
  for (const command of commands.sort((one, other) => other.position - one.position)) {
    if (soonest.endedAt < command.invokedAt)
      yield {
        rule: "real-time-order",
        what: `${soonest.commandId} was answered before ${command.commandId} was asked, and lies behind it`,
      };
    if (command.endedAt < soonest.endedAt) soonest = command;
  }
}
