import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { conversation } from "../commands/conversation/aggregate.ts";
import { madeBy } from "../commands/engine/load.ts";
import { readState, writeState } from "../commands/engine/storedState.ts";
import { type Conversation, evolve, newConversation } from "../domain/conversation/conversation.ts";
import { MemberAdded } from "../domain/conversation/events.ts";
import { placed } from "../domain/event.ts";
import { streamId } from "../domain/ids.ts";
import { readConfig } from "../infra/config.ts";
import { type Foundation, openFoundation } from "../infra/foundation.ts";
import { createLogger } from "../infra/main.ts";
import { compareCosts, keep, spread } from "./harness.ts";
import { insertMessages } from "./support/bulk.ts";
import { commander, makePeople } from "./support/prepare.ts";

const SMALL = Number(process.env.BENCH_SMALL ?? 1_000);
const LARGE = Number(process.env.BENCH_LARGE ?? 1_000_000);
const LOADS = Number(process.env.BENCH_LOADS ?? 200);
const MEMBERS = Number(process.env.BENCH_MEMBERS ?? 100_000);
const AUTHORS = 20;
/** Events since the snapshot: half of what there may be. */
const TAIL = 500;

interface Loadable {
  readonly conversationId: string;
  readonly events: number;
  readonly asker: string;
}

const folder = mkdtempSync(join(tmpdir(), "scripta-bench-"));
const foundation = await openFoundation({
  config: readConfig({ SCRIPTA_DATA: folder, SCRIPTA_TOKEN_SECONDS: "86400" }),
  logger: createLogger("error"),
  alone: true,
});
try {
  const people = await makePeople(foundation, AUTHORS);
  const [small, large] = [await prepared(foundation, people, SMALL), await prepared(foundation, people, LARGE)];
  const medians: Record<string, number[]> = {};
  const contender = (loadable: Loadable) => ({
    name: `${loadable.events} events`,
    async turn() {
      const times = await loads(foundation, loadable);
      const name = `${loadable.events} events`;
      medians[name] = [...(medians[name] ?? []), times[Math.floor(LOADS / 2)] ?? Number.NaN];
      return times[Math.floor(LOADS * 0.99)] ?? Number.NaN;
    },
  });
  const compared = await compareCosts({
    title: `a conversation of ${AUTHORS} members loaded to decide something, ${TAIL} more events after its snapshot: p99 of ${LOADS} loads, one after the other, nothing of it in memory before; one process`,
    unit: "ms",
    ours: contender(large),
    baselines: [contender(small)],
  });
  const p50 = Object.fromEntries(Object.entries(medians).map(([name, values]) => [name, spread(values.slice(1))]));
  const [one = [], other = []] = [medians[`${LARGE} events`], medians[`${SMALL} events`]];
  const p50Ratio = spread(one.slice(1).map((ms, at) => ms / (other[at + 1] ?? Number.NaN)));
  console.log("p50, ms:");
  console.table({ ...p50, "large ÷ small": p50Ratio });
  keep("load", [compared, { title: "p50 in ms", p50, p50Ratio }, await largeState(foundation)]);
} finally {
  await foundation.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

/** A conversation of so many events, with a snapshot as the engine keeps it, and a tail. */
async function prepared(on: Foundation, people: readonly { readonly userId: string }[], events: number) {
  const authors = people.map(({ userId }) => userId);
  const [asker = "", ...others] = authors;
  const { conversationId } = await commander(on)("CreateConversation", asker, {
    kind: "group",
    name: `${events} events`,
    members: others.map((userId) => ({ userId })),
  });
  await on.projector.stop();
  const stream = streamId("main", "conversation", conversationId);
  const created = (await on.log.revision(stream)) + 1;
  await insertMessages(on.database, { conversationId, authors, messages: events - created });
  const began = performance.now();
  await ask(on, { conversationId, events, asker });
  console.log(`${events} events folded without a snapshot in ${Math.round(performance.now() - began)} ms`);
  const until = performance.now() + 10_000;
  while ((await on.engine.snapshots.load(stream))?.revision !== events - 1)
    if (performance.now() > until) throw new Error("no snapshot was kept of what was folded");
  await insertMessages(on.database, { conversationId, authors, messages: TAIL });
  await on.database.query("vacuum analyze log.events");
  return { conversationId, events, asker };
}

/** Asks something of the state, in a process that knows nothing of it. Gives its last message's number. */
async function ask({ engine }: Foundation, { conversationId, asker }: Loadable): Promise<number> {
  const cold = { ...engine, limits: { ...engine.limits, deadlineMs: 600_000 } };
  const by = {
    tenant: "main",
    userId: asker,
    deviceId: null,
    roles: [],
    guest: false,
    now: new Date(),
    correlationId: "bench",
    commandId: engine.newId(),
  };
  let lastSeq = 0;
  const refused = await conversation.mailboxes(cold).ask(streamId("main", "conversation", conversationId), {
    name: "ask",
    sender: by,
    answer(state: Conversation) {
      lastSeq = state.lastSeq;
      return undefined;
    },
  });
  if (refused) throw new Error(refused.detail);
  return lastSeq;
}

/** Times of so many loads in ms, ascending. Each must know all that was said. */
async function loads(on: Foundation, loadable: Loadable): Promise<number[]> {
  const times: number[] = [];
  const [{ said } = { said: 0 }] = (
    await on.database.query<{ said: number }>(
      "select count(*) as said from log.events join log.streams using (stream_no) where stream = $1 and type = 'MessageSent'",
      [`main/conversation-${loadable.conversationId}`],
    )
  ).rows;
  for (let nth = 0; nth < LOADS; nth++) {
    const began = performance.now();
    const lastSeq = await ask(on, loadable);
    times.push(performance.now() - began);
    if (lastSeq !== said) throw new Error(`${said} messages were said, ${lastSeq} are known`);
  }
  return times.sort((one, other) => one - other);
}

/** How long everything else stands still while a large state is kept and loaded, beside writing it in one go. */
async function largeState({ engine: { snapshots } }: Foundation) {
  const state = newConversation();
  for (let revision = 0; revision < MEMBERS; revision++)
    evolve(state, placed(MemberAdded({ userId: crypto.randomUUID(), role: "member", afterSeq: 0 }), revision));
  const stream = streamId("main", "conversation", crypto.randomUUID());
  const longest = async (work: () => Promise<unknown>) => {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await new Promise((resume) => setTimeout(resume, 50));
    const began = performance.now();
    await work();
    const tookMs = performance.now() - began;
    await new Promise((resume) => setTimeout(resume, 50));
    delay.disable();
    return { tookMs: Math.round(tookMs), longestStallMs: Math.round(delay.max / 1e6) };
  };
  const measured = {
    "kept in pieces": await longest(async () =>
      snapshots.save(stream, { revision: MEMBERS - 1, madeBy: madeBy(conversation), parts: await writeState(state) }),
    ),
    "loaded in pieces": await longest(async () => {
      const kept = await snapshots.load(stream);
      const loaded = kept && (await readState(conversation.state, kept.parts));
      if (loaded?.members.size !== MEMBERS) throw new Error("what was loaded is not what was kept");
    }),
    "written in one go": await longest(async () => JSON.stringify([...state.members])),
  };
  console.log(`the state of ${MEMBERS} members, ms:`);
  console.table(measured);
  return { title: `the state of ${MEMBERS} members`, measured };
}
