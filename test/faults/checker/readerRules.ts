import type { Facts, LoggedMessage } from "./facts.ts";
import type { Device, Reading, Seen, Sighting } from "./history.ts";
import type { Violation } from "./violation.ts";

/** What must hold of all that anybody saw. */
export function* readerRules(facts: Facts): Generator<Violation> {
  const textOf = texts(facts);
  const { sightings, readings, devices } = facts.history;
  for (const sighting of sightings) {
    if (sighting.op === "message") yield* sightOf(facts, textOf, sighting, sighting.conversationId);
    yield* afterRemoval(facts, sighting);
  }
  yield* fallingMarks(sightings);
  for (const reading of readings) {
    for (const seen of reading.messages) yield* sightOf(facts, textOf, seen, reading.conversationId);
    yield* ownWrites(facts, reading);
    yield* readAfterRemoval(facts, reading);
  }
  for (const device of devices) {
    for (const { conversationId, messages } of device.conversations)
      for (const seen of messages) yield* sightOf(facts, textOf, seen, conversationId);
    yield* atRest(facts, device);
  }
}

type TextOf = (message: LoggedMessage, revision: number) => { readonly text: string | null | undefined };

/** The text that a message had at a revision, by what its clients wrote; `undefined` where that was not recorded. */
function texts({ attempts }: Facts): TextOf {
  return (message, revision) => {
    const until = message.versions.filter((version) => version.revision <= revision && version.kind !== "touched");
    const last = until.at(-1);
    if (last?.kind === "deleted") return { text: null };
    return { text: attempts.get(last?.commandId ?? "")?.[0]?.text };
  };
}

function* sightOf(facts: Facts, textOf: TextOf, seen: Seen, conversationId: string): Generator<Violation> {
  const message = facts.conversation(conversationId).messages.get(seen.messageId);
  const where = `${seen.messageId} of ${conversationId}`;
  if (!message) return yield { rule: "never-sent", what: `${where} was read, and the log does not hold it` };
  if (message.seq !== seen.seq)
    yield { rule: "order-differs", what: `${where} was seen at ${seen.seq}, it stands at ${message.seq}` };
  const { text } = textOf(message, seen.revision);
  if (text !== undefined && text !== seen.text)
    yield { rule: "text-differs", what: `${where} at revision ${seen.revision}: ${seen.text} in place of ${text}` };
}

function* afterRemoval({ conversation, isMemberAt }: Facts, sighting: Sighting): Generator<Violation> {
  const { op, conversationId, userId, position, reader } = sighting;
  if (op === "left" || !conversation(conversationId).members.has(userId)) return;
  if (!isMemberAt(conversationId, userId, position))
    yield { rule: "seen-after-removal", what: `${op} of ${conversationId} at ${position} came to ${reader}` };
}

/** A page that was asked for after somebody's removal was acknowledged, and answered before anybody asked to undo it. */
function* readAfterRemoval(
  { history, conversation, recorded, attempts }: Facts,
  reading: Reading,
): Generator<Violation> {
  if (reading.status !== 200) return;
  const { userId, conversationId, invokedAt, endedAt } = reading;
  const removal = history.attempts.findLast(
    (attempt) =>
      attempt.name === "RemoveMember" &&
      attempt.conversationId === conversationId &&
      attempt.otherId === userId &&
      attempt.outcome === "ok" &&
      (attempt.endedAt ?? Number.POSITIVE_INFINITY) < invokedAt,
  );
  const position = removal?.answer?.position;
  if (position === undefined) return;
  const membership = conversation(conversationId)
    .members.get(userId)
    ?.find(({ from, to }) => from > position && to > position);
  const added = history.log.find((entry) => entry.position === membership?.from);
  const asked = added && recorded.has(added.commandId) ? attempts.get(added.commandId) : undefined;
  const undone = asked?.some((attempt) => attempt.invokedAt < endedAt) ?? false;
  if (!undone)
    yield { rule: "seen-after-removal", what: `${userId} read ${conversationId} after the removal at ${position}` };
}

function* fallingMarks(sightings: readonly Sighting[]): Generator<Violation> {
  for (const sighting of sightings)
    if (sighting.op === "receipt" && sighting.delivered < sighting.read)
      yield { rule: "mark-fell", what: `${sighting.of} read ${sighting.read}, but has ${sighting.delivered}` };
  const live = sightings.filter((one) => one.op === "receipt" && one.live);
  for (const of of Map.groupBy(
    live,
    (one) => `${one.reader} ${one.conversationId} ${"of" in one ? one.of : ""}`,
  ).values()) {
    let read = 0;
    for (const one of of) {
      if (one.op !== "receipt") continue;
      if (one.read < read)
        yield { rule: "mark-fell", what: `${one.of} had read ${read} of ${one.conversationId}, now ${one.read}` };
      read = one.read;
    }
  }
}

function* ownWrites({ history, conversation, isMemberAt }: Facts, reading: Reading): Generator<Violation> {
  const { userId, conversationId, minPosition, status, messages, whole } = reading;
  if (status !== 200) return;
  const held = new Map(messages.map((seen) => [seen.messageId, seen]));
  const from = whole ? 0 : (messages[0]?.seq ?? 0);
  for (const attempt of history.attempts) {
    if (attempt.userId !== userId || attempt.conversationId !== conversationId || attempt.outcome !== "ok") continue;
    if (!attempt.answer || attempt.answer.position > minPosition || attempt.messageId === undefined) continue;
    const message = conversation(conversationId).messages.get(attempt.messageId);
    // What one saw of the time before one came may be closed again.
    if (!message || message.seq < from || !isMemberAt(conversationId, userId, message.position)) continue;
    const seen = held.get(attempt.messageId);
    if (!seen || seen.revision < attempt.answer.revision)
      yield { rule: "own-write-unseen", what: `${attempt.name} of ${attempt.messageId} at ${attempt.answer.position}` };
  }
}

function* atRest(
  { conversations, isMemberAt }: Facts,
  { reader, userId, conversations: held }: Device,
): Generator<Violation> {
  const there = new Map(held.map((one) => [one.conversationId, one]));
  for (const [conversationId, logged] of conversations) {
    const device = there.get(conversationId);
    const isMember = isMemberAt(conversationId, userId, Number.MAX_SAFE_INTEGER);
    if (isMember !== (device !== undefined))
      yield { rule: "not-up-to-date", what: `${reader} ${device ? "holds" : "lacks"} ${conversationId}` };
    if (!isMember || !device) continue;
    const read = logged.read.get(userId) ?? 0;
    const unread = logged.inOrder.filter(({ seq, versions }) => seq > read && !isDeleted(versions)).length;
    if (device.unread !== unread)
      yield { rule: "unread-differs", what: `${reader}: ${device.unread} of ${conversationId} in place of ${unread}` };
    const messages = new Map(device.messages.map((seen) => [seen.messageId, seen]));
    for (const { messageId, seq, versions } of logged.inOrder) {
      if (seq < device.floor) continue;
      const seen = messages.get(messageId);
      if (!seen) yield { rule: "gap-seen", what: `${reader} lacks ${messageId}, seq ${seq} of ${conversationId}` };
      else if (seen.revision < (versions.at(-1)?.revision ?? 0))
        yield { rule: "not-up-to-date", what: `${reader} holds ${messageId} at revision ${seen.revision}` };
    }
  }
}

const isDeleted = (versions: LoggedMessage["versions"]): boolean => versions.some(({ kind }) => kind === "deleted");
