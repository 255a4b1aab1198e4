import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareCosts, keep } from "./harness.ts";
import { call, type SignedIn } from "./support/people.ts";
import { commander, makePeople, prepare } from "./support/prepare.ts";
import { startScripta } from "./support/server.ts";

const FEW = Number(process.env.BENCH_FEW ?? 10);
const MANY = Number(process.env.BENCH_MANY ?? 500);
const CHANGED = 20;
/** Missed in all, whoever it is: 2 or more in each conversation that changed. */
const MISSED = Number(process.env.BENCH_MISSED ?? 160);
const BEFORE = Number(process.env.BENCH_BEFORE ?? 200);
const OTHERS = 5;
const SYNCS = 20;
const IN_FLIGHT = 512;

interface SyncAnswer {
  readonly changes: readonly { readonly op: string; readonly conversationId?: string; readonly messageId?: string }[];
  readonly cursor: string;
  readonly more: boolean;
  readonly reset: boolean;
}

/** Somebody who was away, and what was missed, in the order of the log of each conversation. */
interface Absent {
  readonly person: SignedIn;
  readonly conversations: readonly string[];
  readonly missed: Map<string, string[]>;
  readonly cursor: string;
}

const folder = mkdtempSync(join(tmpdir(), "scripta-bench-"));
/** The two who were away, then those who wrote meanwhile. */
const people: SignedIn[] = [];
const rooms = await prepare(folder, async (foundation) => {
  people.push(...(await makePeople(foundation, 2 + OTHERS)));
  return [
    await converse(foundation, people[0], people.slice(2), FEW),
    await converse(foundation, people[1], people.slice(2), MANY),
  ];
});
let scripta = await startScripta({ folder });
const cursors: string[] = [];
for (const nth of [0, 1]) cursors.push(await snapshot(people[nth]));
await scripta.stop();
const absent = await prepare(folder, async (foundation) => {
  const all: Absent[] = [];
  for (const [nth, conversations] of rooms.entries()) {
    const person = people[nth];
    if (!person) throw new Error("somebody was away");
    const missed = await miss(foundation, conversations);
    all.push({ person, conversations, missed, cursor: cursors[nth] ?? "" });
  }
  return all;
});

scripta = await startScripta({ folder });
try {
  const [few, many] = absent;
  if (!few || !many) throw new Error("two people are compared");
  const contender = (one: Absent) => ({
    name: `${one.conversations.length} conversations`,
    async turn() {
      const times: number[] = [];
      for (let nth = 0; nth < SYNCS; nth++) times.push(await catchUp(one));
      return times.sort((a, b) => a - b)[SYNCS / 2] ?? Number.NaN;
    },
  });
  const compared = await compareCosts({
    title: `Sync after a day away: ${MISSED} messages missed, in ${Math.min(FEW, CHANGED)} of ${FEW} and in ${CHANGED} of ${MANY} conversations, ${BEFORE} messages in each before; all pages of GET /sync, median of ${SYNCS}; one server process; fsync on`,
    unit: "ms",
    ours: contender(many),
    baselines: [contender(few)],
  });
  keep("sync", [compared]);
} finally {
  await scripta.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

type Foundation = Parameters<typeof commander>[0];

/** Groups of the person and all the others, in which something was said. */
async function converse(
  foundation: Foundation,
  owner: SignedIn | undefined,
  others: readonly SignedIn[],
  count: number,
): Promise<string[]> {
  const perform = commander(foundation);
  const conversations: string[] = [];
  for (let nth = 0; nth < count; nth++) {
    const { conversationId } = await perform("CreateConversation", owner?.userId ?? "", {
      kind: "group",
      name: `Ward ${nth}`,
      members: others.map(({ userId }) => ({ userId })),
    });
    conversations.push(conversationId);
  }
  await sendAll(
    foundation,
    Array.from({ length: count * BEFORE }, (_, nth) => conversations[nth % count] ?? ""),
  );
  return conversations;
}

/** What is said while the person is away, the same number of messages however many conversations it falls in. */
async function miss(foundation: Foundation, conversations: readonly string[]): Promise<Map<string, string[]>> {
  const step = Math.max(1, Math.floor(conversations.length / CHANGED));
  const changed = conversations.filter((_, nth) => nth % step === 0).slice(0, CHANGED);
  return sendAll(
    foundation,
    Array.from({ length: MISSED }, (_, nth) => changed[nth % changed.length] ?? ""),
  );
}

/** One message into each of these conversations, by the others in turn. Gives the ids of each one's, in order. */
async function sendAll(foundation: Foundation, targets: readonly string[]): Promise<Map<string, string[]>> {
  const perform = commander(foundation);
  const sent = new Map<string, string[]>();
  let next = 0;
  const send = async () => {
    for (let nth = next++; nth < targets.length; nth = next++) {
      const conversationId = targets[nth] ?? "";
      const messageId = foundation.engine.newId();
      sent.set(conversationId, [...(sent.get(conversationId) ?? []), messageId]);
      const author = people[2 + (nth % OTHERS)]?.userId ?? "";
      const text = "Please take the second dose at eight, with a glass of water.";
      await perform("SendMessage", author, { conversationId, messageId, kind: "text", text });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, send));
  return sent;
}

async function* pages({ accessToken: token }: SignedIn, cursor?: string): AsyncGenerator<SyncAnswer> {
  for (let from = cursor; ; ) {
    const query = from === undefined ? "" : `&cursor=${encodeURIComponent(from)}`;
    const page = await call<SyncAnswer>(scripta.url, "GET", `/api/v1/sync?limit=200${query}`, { token });
    yield page;
    if (!page.more) return;
    from = page.cursor;
  }
}

async function snapshot(person: SignedIn | undefined): Promise<string> {
  let cursor = "";
  if (person) for await (const page of pages(person)) cursor = page.cursor;
  return cursor;
}

/** Milliseconds that it takes; what comes must be what was missed, once, in order. */
async function catchUp({ person, missed, cursor }: Absent): Promise<number> {
  const answers: SyncAnswer[] = [];
  const began = performance.now();
  for await (const page of pages(person, cursor)) answers.push(page);
  const took = performance.now() - began;
  const changes = answers.flatMap((answer) => answer.changes);
  const came = Map.groupBy(
    changes.filter(({ op }) => op === "message"),
    ({ conversationId }) => conversationId,
  );
  for (const [conversationId, ids] of missed)
    if (
      came
        .get(conversationId)
        ?.map(({ messageId }) => messageId)
        .join() !== ids.join()
    )
      throw new Error(`what was missed in ${conversationId} did not come, once and in order`);
  if (came.size !== missed.size || answers.some(({ reset }) => reset)) throw new Error("more came than was missed");
  return took;
}
