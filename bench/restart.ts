import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Foundation } from "../infra/foundation.ts";
import { createLogger } from "../infra/main.ts";
import { startSequencer } from "../infra/verifiableLog.ts";
import { type CostContender, compareCosts, keep } from "./harness.ts";
import { insertMessages } from "./support/bulk.ts";
import { call, type SignedIn } from "./support/people.ts";
import { commander, makePeople, prepare } from "./support/prepare.ts";
import { startScripta } from "./support/server.ts";

const SMALL = Number(process.env.BENCH_SMALL ?? 100_000);
const LARGE = Number(process.env.BENCH_LARGE ?? 1_000_000);
const PAIRS = Number(process.env.BENCH_PAIRS ?? 7);
const CONVERSATIONS = 100;
const AUTHORS = 20;
/** Said between a start and the kill after it, over HTTP and one after the other. */
const SAID = 100;

interface Sent {
  readonly seq: number;
}
interface Page {
  readonly items: readonly { readonly seq: number; readonly text: string | null }[];
}

const folders = [SMALL, LARGE].map(() => mkdtempSync(join(tmpdir(), "scripta-bench-")));
try {
  const contenders: CostContender[] = [];
  for (const [at, events] of [SMALL, LARGE].entries()) {
    const folder = folders[at] ?? "";
    const began = performance.now();
    contenders.push(await restarting(folder, events));
    console.log(`${events} events prepared in ${Math.round((performance.now() - began) / 1_000)} s`);
  }
  const [small, large] = contenders;
  if (!small || !large) throw new Error("two logs are compared");
  keep("restart", [
    await compareCosts({
      title: `from starting the program to its being ready, after kill -9 of it and of its database ${SAID} messages after the start before; ${CONVERSATIONS} conversations of ${AUTHORS} members, read models at the head; fsync on; one server process`,
      unit: "ms",
      ours: large,
      baselines: [small],
      pairs: PAIRS,
      warmUps: 2,
    }),
  ]);
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

/** A data folder with so many events, all in the read models; each turn starts a server on what the last one left. */
async function restarting(folder: string, events: number): Promise<CostContender> {
  const { sender, conversationId } = await prepare(folder, async (foundation) => {
    const people = await makePeople(foundation, AUTHORS);
    const authors = people.map(({ userId }) => userId);
    const [sender, ...others] = people;
    if (!sender) throw new Error("somebody sends");
    let conversationId = "";
    const perform = commander(foundation);
    for (let nth = 1; nth <= CONVERSATIONS; nth++) {
      const members = others.map(({ userId }) => ({ userId }));
      ({ conversationId } = await perform("CreateConversation", sender.userId, {
        kind: "group",
        name: `${nth}`,
        members,
      }));
      const { position } = await foundation.log.head();
      const messages = Math.max(1, Math.round((nth * events) / CONVERSATIONS) - position);
      await insertMessages(foundation.database, { conversationId, authors, messages });
    }
    await sequenced(foundation);
    await foundation.database.query("vacuum analyze");
    return { sender, conversationId };
  });
  let said: readonly string[] = [];
  return {
    name: `${events} events`,
    async turn() {
      const began = performance.now();
      const scripta = await startScripta({ folder });
      try {
        while (!(await fetch(`${scripta.url}/health/ready`)).ok) await pause(2);
        const tookMs = performance.now() - began;
        await check(scripta.url, sender, conversationId, said);
        said = await say(scripta.url, sender, conversationId);
        return tookMs;
      } finally {
        await kill(scripta.pid, folder);
      }
    },
  };
}

/** As it is on a server that runs: the verifiable log is at the head, too. */
async function sequenced(foundation: Foundation): Promise<void> {
  const { position: head } = await foundation.log.head();
  const sequencer = startSequencer(foundation, createLogger("error"));
  try {
    for (let last = 0; last < head; ) {
      await pause(250);
      const { rows } = await foundation.database.query<{ last: number }>(
        "select coalesce(max(position), 0) as last from tlog.entries",
      );
      last = rows[0]?.last ?? 0;
    }
  } finally {
    await sequencer.stop();
  }
}

async function say(url: string, { accessToken }: SignedIn, conversationId: string): Promise<string[]> {
  const texts: string[] = [];
  for (let nth = 0; nth < SAID; nth++) {
    const text = `${nth} of ${crypto.randomUUID()}`;
    const body = { messageId: crypto.randomUUID(), kind: "text", text };
    await call<Sent>(url, "POST", `/api/v1/conversations/${conversationId}/messages`, { token: accessToken, body });
    texts.push(text);
  }
  return texts;
}

/** What was acknowledged before the kill is there, in order. */
async function check(url: string, { accessToken }: SignedIn, conversationId: string, said: readonly string[]) {
  const path = `/api/v1/conversations/${conversationId}/messages?limit=${SAID}`;
  const { items } = await call<Page>(url, "GET", path, { token: accessToken });
  const texts = items.map(({ text }) => text);
  if (said.length > 0 && texts.join() !== said.join()) throw new Error("what was acknowledged is not there");
}

/** As a power cut would: neither the program nor its database gets to do anything more. */
async function kill(pid: number, folder: string): Promise<void> {
  const database = Number(readFileSync(join(folder, "postgres", "cluster", "postmaster.pid"), "utf8").split("\n")[0]);
  for (const one of [pid, database]) process.kill(one, "SIGKILL");
  const until = performance.now() + 20_000;
  while ([pid, database].some(runs)) {
    if (performance.now() > until) throw new Error("what was killed goes on");
    await pause(5);
  }
}

function runs(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}
