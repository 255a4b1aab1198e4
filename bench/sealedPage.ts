import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compareCosts, keep, spread } from "./harness.ts";
import { call } from "./support/people.ts";
import { plainSealing } from "./support/plainSealing.ts";
import { makePeople, prepare } from "./support/prepare.ts";
import { startScripta } from "./support/server.ts";
import { textOf, writtenGroup } from "./support/writtenGroup.ts";

const AUTHORS = 30;
const PAGE = 50;
const TURNS = 6;
const PAGES_A_TURN = Number(process.env.BENCH_PAGES ?? 50);
const MESSAGES = TURNS * PAGES_A_TURN * PAGE;

interface Page {
  readonly items: readonly { readonly seq: number; readonly text: string }[];
}

/** A server on a conversation that many wrote in, sealed or in clear. */
async function aServer(unproven: boolean) {
  const folder = mkdtempSync(join(tmpdir(), "scripta-bench-"));
  const { token, conversationId } = await prepare(
    folder,
    async (foundation) => {
      const people = await makePeople(foundation, AUTHORS);
      const [reader] = people;
      if (!reader) throw new Error("somebody reads");
      const conversationId = await writtenGroup(foundation, people, MESSAGES);
      return { token: reader.accessToken, conversationId };
    },
    unproven ? { sealingOver: plainSealing } : {},
  );
  const server = await startScripta({ folder, unproven });
  let before = MESSAGES + 1;
  return {
    /** The median of pages that were not read yet: nothing of them was opened before. In ms. */
    async turn() {
      const times: number[] = [];
      for (let nth = 0; nth < PAGES_A_TURN; nth++, before -= PAGE) {
        const path = `/api/v1/conversations/${conversationId}/messages?limit=${PAGE}&before=${before}`;
        const began = performance.now();
        const { items } = await call<Page>(server.url, "GET", path, { token });
        times.push(performance.now() - began);
        if (
          items.length !== PAGE ||
          items.some(({ seq, text }, at) => seq !== before - PAGE + at || text !== textOf(seq))
        )
          throw new Error(`${path} does not give the ${PAGE} messages before ${before}`);
      }
      return spread(times).median;
    },
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const sealed = await aServer(false);
const plain = await aServer(true);
try {
  const compared = await compareCosts({
    title:
      `${PAGE} messages by ${AUTHORS} authors, never opened before: median of ${PAGES_A_TURN} GET requests, ` +
      `one after the other, of ${MESSAGES} messages; one server process each`,
    unit: "ms",
    ours: { name: "sealed", turn: sealed.turn },
    baselines: [{ name: "the same rows in clear", turn: plain.turn }],
  });
  keep("sealedPage", [compared]);
} finally {
  await Promise.all([sealed.stop(), plain.stop()]);
}
process.exit(0);
