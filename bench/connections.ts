import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { compareCosts, keep } from "./harness.ts";
import { commander, makePeople, prepare } from "./support/prepare.ts";
import { collecting, type Measured, startRelay, startScripta } from "./support/server.ts";

const CONNECTIONS = Number(process.env.BENCH_CONNECTIONS ?? 10_000);
/** A person's, all on one device; at most 5. With more than one, what is kept of people weighs less. */
const SOCKETS_A_PERSON = Number(process.env.BENCH_SOCKETS_A_PERSON ?? 1);

/** So many come first, so that what a server needs once is not counted for each. */
const FIRST = CONNECTIONS / 10;

/** Bytes that each further connection takes of a crowd that has come and is silent, all garbage given back. */
async function memoryOf(server: Measured, kind: "scripta" | "relay", peopleFile: string): Promise<number> {
  const crowdFile = new URL("support/crowd.ts", import.meta.url).pathname;
  const crowd = spawn(process.execPath, [crowdFile, server.url, peopleFile, kind], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: crowd.stdout });
  const ended = once(crowd, "exit");
  const open = async (count: number) => {
    crowd.stdin.write(`${count}\n`);
    const [line] = await Promise.race([once(lines, "line"), ended.then(([code]) => [`ended with ${code}`])]);
    if (line !== `open ${count}`) throw new Error(`of ${count} connections: ${line}`);
  };
  await open(FIRST);
  const before = await server.collected();
  await open(CONNECTIONS);
  const after = await server.collected();
  await open(CONNECTIONS);
  crowd.stdin.end();
  await ended;
  return (after - before) / (CONNECTIONS - FIRST);
}

const folder = mkdtempSync(join(tmpdir(), "scripta-bench-"));
const peopleFile = join(folder, "people.json");
try {
  await prepare(folder, async (foundation) => {
    const people = await makePeople(foundation, CONNECTIONS / SOCKETS_A_PERSON);
    const perform = commander(foundation);
    const pairs = people.entries().filter(([nth]) => nth % 2 === 1);
    const open = async () => {
      for (const [nth, { userId }] of pairs)
        await perform("CreateConversation", people[nth - 1]?.userId ?? "", { kind: "direct", userId });
    };
    await Promise.all(Array.from({ length: 100 }, open));
    writeFileSync(
      peopleFile,
      JSON.stringify(people.flatMap((one) => Array.from({ length: SOCKETS_A_PERSON }, () => one))),
    );
  });
  /** Each turn on a server that was just started: memory that one had is seldom given back. */
  const contender = (name: string, kind: "scripta" | "relay", start: () => Promise<Measured>) => ({
    name,
    async turn() {
      const server = await start();
      try {
        return (await memoryOf(server, kind, peopleFile)) / 1024;
      } finally {
        await server.stop();
      }
    },
  });
  const compared = await compareCosts({
    title: `${CONNECTIONS} idle connections, ${SOCKETS_A_PERSON} a person, each person with one conversation; resident memory that each takes beyond the first ${FIRST}, after a full collection; one server process each`,
    unit: "KiB a connection",
    ours: contender("scripta", "scripta", () => startScripta({ folder, flags: collecting })),
    baselines: [contender("bare ws, no sign-in", "relay", () => startRelay(undefined, collecting))],
    pairs: Number(process.env.BENCH_PAIRS ?? 5),
    warmUps: 0,
  });
  keep("connections", [compared]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
