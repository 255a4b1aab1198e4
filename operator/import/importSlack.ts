import { byTenant } from "../../accounts/byTenant.ts";
import { importAccounts } from "../../accounts/importAccounts.ts";
import {
  type Engine,
  type ImportedMessage,
  importConversation,
  importMarks,
  importMessages,
} from "../../commands/index.ts";
import type { By } from "../../domain/by.ts";
import { decodeFacts } from "../../domain/catalogue.ts";
import { importedConversationId, importedMessageId, importedUserId, streamId } from "../../domain/ids.ts";
import { isRejection } from "../../domain/rejection.ts";
import type { Foundation } from "../../infra/foundation.ts";
import { CommandFailed } from "../commandFailed.ts";
import type { ProgressLine } from "./progressLine.ts";
import type { CheckedChannel, SlackExport } from "./slackExport.ts";
import { displayNameFor, usernamesFor } from "./slackNames.ts";
import type { SlackMessage } from "./slackShapes.ts";
import { decodeSlackText, isStorable } from "./slackText.ts";

/** What the last line of an import says. */
export interface ImportSummary {
  readonly channels: readonly ImportedChannel[];
  readonly users: readonly { readonly slackId: string; readonly userId: string }[];
  /** Messages that are new, and those that were there. */
  readonly added: number;
  readonly existing: number;
}

interface ImportedChannel {
  readonly slackId: string;
  readonly name: string;
  readonly conversationId: string;
  readonly messages: number;
  /** Texts that no message can hold, and those of erased people. */
  readonly skipped: number;
}

export interface SlackImport {
  readonly foundation: Foundation;
  readonly archive: SlackExport;
  readonly tenant: string;
  /** Who owns all that is imported; else each channel's creator does. */
  readonly owner: string | undefined;
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
}

/** Of one channel, decided and appended together. */
const MESSAGES_AT_ONCE = 256;
const PEOPLE_AT_ONCE = 500;
const CHANNELS_AT_ONCE = 3;
const PROJECTED_WITHIN_MS = 60_000;

/**
 * Brings an export into the log. Everything is named after its original, so that the same again adds nothing, and goes
 * on where a former import was stopped.
 * @throws CommandFailed
 */
export async function importSlack(given: SlackImport): Promise<ImportSummary> {
  const { foundation, archive, tenant, progress, signal } = given;
  const engine = forImport(foundation.engine);
  const by = byTenant(engine, tenant);
  const users = archive.people.map(({ slackId }) => ({ slackId, userId: importedUserId(tenant, slackId) }));

  progress.begin("people", archive.people.length);
  for (let start = 0; start < archive.people.length; start += PEOPLE_AT_ONCE) {
    signal.throwIfAborted();
    const some = archive.people.slice(start, start + PEOPLE_AT_ONCE);
    const accounts = some.map((names) => {
      const userId = importedUserId(tenant, names.slackId);
      return { userId, displayName: displayNameFor(names), usernames: usernamesFor(names, userId) };
    });
    await importAccounts(foundation.accounts.parts, accounts, by);
    progress.step(some.length);
  }

  progress.begin(
    "messages",
    archive.channels.reduce((sum, { entries }) => sum + entries, 0),
  );
  const waiting = archive.channels.entries();
  const results: Awaited<ReturnType<typeof importChannel>>[] = [];
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  const worker = async () => {
    for (const [at, channel] of waiting) results[at] = await importChannel(given, engine, by, channel, either);
  };
  const workers = Array.from({ length: CHANNELS_AT_ONCE }, () => worker().catch(failFast(stop)));
  for (const outcome of await Promise.allSettled(workers)) if (outcome.status === "rejected") throw outcome.reason;

  let head = Math.max(0, ...results.map(({ position }) => position));
  await projected(foundation, head, progress);
  progress.begin("marks", results.length);
  for (const { conversationId, members, lastSeq } of results) {
    head = Math.max(head, await importMarks(engine, { tenant, conversationId }, members, lastSeq));
    progress.step(1);
  }
  await projected(foundation, head, progress);
  progress.end();
  return {
    channels: results.map(({ slackId, name, conversationId, messages, skipped }) => ({
      slackId,
      name,
      conversationId,
      messages,
      skipped,
    })),
    users,
    added: results.reduce((sum, { added }) => sum + added, 0),
    existing: results.reduce((sum, { messages, added }) => sum + messages - added, 0),
  };
}

/** One channel's failure ends the others after what they are just appending. */
const failFast = (stop: AbortController) => (error: unknown) => {
  stop.abort(error);
  throw error;
};

/** Much waits at once and nobody waits for an answer; a snapshot for each thousand events would cost more than it saves. */
const forImport = (engine: Engine): Engine => ({
  ...engine,
  limits: {
    ...engine.limits,
    queue: 4 * MESSAGES_AT_ONCE,
    turn: MESSAGES_AT_ONCE,
    deadlineMs: 120_000,
    snapshotEvery: 20_000,
  },
});

async function importChannel(
  { foundation, tenant, owner, progress }: SlackImport,
  engine: Engine,
  by: By,
  channel: CheckedChannel,
  signal: AbortSignal,
): Promise<ImportedChannel & { added: number; position: number; lastSeq: number; members: string[] }> {
  const { slackId, name } = channel;
  const conversationId = importedConversationId(tenant, slackId);
  const stream = streamId(tenant, "conversation", conversationId);
  const people = [...channel.people].map((person) => importedUserId(tenant, person));
  const creator = channel.creator ? importedUserId(tenant, channel.creator) : people[0];
  const members = [...new Set(owner === undefined ? people : [owner, ...people])];
  const made = await importConversation(
    engine,
    {
      conversationId,
      name: name.trim() === "" ? slackId : name.slice(0, 256),
      members: members.map((userId) => ({ userId, role: userId === (owner ?? creator) ? "owner" : "member" })),
    },
    by,
  );
  if (isRejection(made)) throw new CommandFailed(`the channel ${slackId} could not be made: ${made.detail}`);

  let { position } = made;
  let [messages, added, skipped, lastId] = [0, 0, 0, ""];
  for await (const some of inGroups(channel.messages(), MESSAGES_AT_ONCE)) {
    signal.throwIfAborted();
    const storable = some.map((message) => imported(message, tenant, slackId)).filter((one) => isStorable(one.text));
    const known = await engine.log.knownTargets(
      stream,
      storable.map(({ messageId }) => messageId),
    );
    const fresh = storable.filter(({ messageId }) => !known.has(messageId));
    const outcome = await importMessages(engine, conversationId, fresh, by);
    if (outcome.refused)
      throw new CommandFailed(
        `importing the channel ${slackId} stopped: ${outcome.refused.detail}. Run it again to go on`,
      );
    position = Math.max(position, outcome.position);
    messages += storable.length - outcome.erased;
    added += fresh.length - outcome.erased;
    skipped += some.length - storable.length + outcome.erased;
    lastId = storable.at(-1)?.messageId ?? lastId;
    progress.step(some.length);
  }
  const lastSeq = lastId === "" ? 0 : await seqOf(foundation, stream, lastId);
  return { slackId, name, conversationId, messages, skipped, added, position, lastSeq, members };
}

const imported = (
  { ts, micros, author, text, thread }: SlackMessage,
  tenant: string,
  channel: string,
): ImportedMessage => ({
  messageId: importedMessageId(channel, ts),
  authorId: importedUserId(tenant, author),
  text: decodeSlackText(text),
  sentAt: new Date(Math.floor(micros / 1000)).toISOString(),
  ...(thread === undefined ? {} : { threadRoot: importedMessageId(channel, thread) }),
});

/** Where a message stands in its conversation; 0 where it was never recorded. */
async function seqOf({ log }: Foundation, stream: ReturnType<typeof streamId>, messageId: string): Promise<number> {
  for (const event of await log.readTarget(stream, messageId)) {
    const facts = decodeFacts(event);
    if (facts.type === "MessageSent") return facts.data.seq;
  }
  return 0;
}

async function* inGroups<Item>(items: AsyncIterable<Item>, size: number): AsyncIterable<Item[]> {
  let group: Item[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}

/** Waits for the read models, whoever keeps them, for as long as they come nearer. */
async function projected({ projector }: Foundation, position: number, progress: ProgressLine): Promise<void> {
  let from = projector.checkpoint();
  if (from >= position) return;
  progress.begin("read models", position - from);
  let stuckSince = performance.now();
  while (!(await projector.waitFor(position, 200))) {
    const now = projector.checkpoint();
    if (now > from) stuckSince = performance.now();
    progress.step(now - from);
    from = now;
    if (performance.now() - stuckSince > PROJECTED_WITHIN_MS)
      throw new CommandFailed(
        `all is in the log, but the read models stay at ${now} of ${position}: see scripta doctor, then run it again`,
      );
  }
  progress.step(position - from);
}
