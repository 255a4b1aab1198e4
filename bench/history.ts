import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareCosts, keep, spread } from "./harness.ts";
import { call, type SignedIn } from "./support/people.ts";
import { makePeople, prepare } from "./support/prepare.ts";
import { startScripta } from "./support/server.ts";
import { textOf, writtenGroup } from "./support/writtenGroup.ts";

const SMALL = Number(process.env.BENCH_SMALL ?? 10_000);
const LARGE = Number(process.env.BENCH_LARGE ?? 1_000_000);
const READS = Number(process.env.BENCH_READS ?? 400);
const AUTHORS = 20;
const PAGE = 50;

interface Conversation {
  readonly conversationId: string;
  readonly messages: number;
}

interface Page {
  readonly items: readonly { readonly seq: number; readonly text: string }[];
  readonly more: { readonly before: boolean; readonly after: boolean };
}

const folder = process.env.BENCH_FOLDER ?? mkdtempSync(join(tmpdir(), "scripta-bench-"));
const { reader, conversations } = await prepare(folder, async (foundation) => {
  const people = await makePeople(foundation, AUTHORS);
  const [reader] = people;
  if (!reader) throw new Error("somebody reads");
  const conversations: Conversation[] = [];
  for (const messages of [SMALL, LARGE]) {
    const began = performance.now();
    const conversationId = await writtenGroup(foundation, people, messages);
    console.log(`${messages} messages sent in ${Math.round((performance.now() - began) / 1_000)} s`);
    conversations.push({ conversationId, messages });
  }
  return { reader, conversations };
});
const [small, large] = conversations;
if (!small || !large) throw new Error("two conversations are compared");

const scripta = await startScripta({ folder });
const medians: Record<string, number[]> = {};
try {
  const results = [];
  for (const [what, queryOf] of [
    ["the latest", () => ""],
    ["in the middle", ({ messages }: Conversation) => `&before=${Math.round(messages * (0.25 + Math.random() / 2))}`],
  ] as const) {
    const contender = (conversation: Conversation) => {
      const name = `${conversation.messages} messages`;
      return {
        name,
        async turn() {
          const times = await readPages(reader, conversation, queryOf);
          medians[`${what}, ${name}`] = [...(medians[`${what}, ${name}`] ?? []), times[READS / 2] ?? Number.NaN];
          return times[Math.floor(READS * 0.99)] ?? Number.NaN;
        },
      };
    };
    results.push(
      await compareCosts({
        title: `${PAGE} messages ${what}: p99 of ${READS} GET requests, one after the other; one server process; fsync on`,
        unit: "ms",
        ours: contender(large),
        baselines: [contender(small)],
      }),
    );
  }
  const p50 = Object.fromEntries(Object.entries(medians).map(([what, values]) => [what, spread(values.slice(1))]));
  console.log("p50, ms:");
  console.table(p50);
  keep("history", [...results, { title: "p50 in ms", p50 }]);
} finally {
  await scripta.stop();
  if (process.env.BENCH_FOLDER === undefined) rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

/** Times of so many pages in ms, ascending. Each must hold what was sent there, without a gap. */
async function readPages(
  { accessToken }: SignedIn,
  conversation: Conversation,
  queryOf: (conversation: Conversation) => string,
): Promise<number[]> {
  const times: number[] = [];
  for (let nth = 0; nth < READS; nth++) {
    const query = queryOf(conversation);
    const path = `/api/v1/conversations/${conversation.conversationId}/messages?limit=${PAGE}${query}`;
    const began = performance.now();
    const { items } = await call<Page>(scripta.url, "GET", path, { token: accessToken });
    times.push(performance.now() - began);
    const end = query === "" ? conversation.messages : Number(query.split("=")[1]) - 1;
    const right = items.every(({ seq, text }, at) => seq === end - PAGE + 1 + at && text === textOf(seq));
    if (items.length !== PAGE || !right) throw new Error(`${path} does not give the ${PAGE} messages up to ${end}`);
  }
  return times.sort((one, other) => one - other);
}
