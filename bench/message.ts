import { type Compared, compare, keep, spread } from "./harness.ts";
import { cpuSeconds } from "./support/cpu.ts";
import { type Pair, run, scriptaPairs, TEXT } from "./support/pairs.ts";
import { openRelaySocket } from "./support/people.ts";
import { type Measured, startRelay, startScripta } from "./support/server.ts";

const PAIRS = 50;
const SECONDS_A_TURN = Number(process.env.BENCH_SECONDS ?? 4);

const relayPairs = (url: string): Promise<Pair[]> =>
  Promise.all(
    Array.from({ length: PAIRS }, async (_, nth) => {
      const [sender, receiver] = await Promise.all([
        openRelaySocket(url, `room-${nth}`),
        openRelaySocket(url, `room-${nth}`),
      ]);
      return { sender, receiver, frame: (id: string) => JSON.stringify({ id, text: TEXT }) };
    }),
  );

const scripta = await startScripta();
const bare = await startRelay();
const inserting = await startRelay(scripta.database);
const stop = () => Promise.all([bare.stop(), inserting.stop()]).then(() => scripta.stop());
const results: (Compared | object)[] = [];
try {
  const ours = await scriptaPairs(scripta.url, PAIRS);
  const theirs = await relayPairs(bare.url);
  const stored = await relayPairs(inserting.url);
  const cpu = new Map<string, number[]>();
  let limit = 0;
  for (const inFlight of [1, 4, 16]) {
    cpu.clear();
    /** CPU of the server and of its database alike; the database is one for all, so only one works at a time. */
    const contender = (name: string, pairs: readonly Pair[], server: Measured) => ({
      name,
      async turn() {
        const used = () => cpuSeconds(scripta.pid) + (server === scripta ? 0 : cpuSeconds(server.pid));
        const before = used();
        const { messages, seconds } = await run(pairs, inFlight, SECONDS_A_TURN);
        cpu.set(name, [...(cpu.get(name) ?? []), ((used() - before) / messages) * 1_000_000]);
        if (server === scripta) limit = Math.max(limit, messages / seconds);
        return seconds / messages;
      },
    });
    const compared = await compare({
      title: `Messages on the other device, ${PAIRS} pairs, ${inFlight} in flight each; fsync on; one server process`,
      unit: "messages",
      size: 1,
      ours: contender("scripta", ours, scripta),
      baselines: [
        contender("ws relay, stores nothing", theirs, bare),
        contender("ws relay, one INSERT each", stored, inserting),
      ],
    });
    const perMessage = Object.fromEntries([...cpu].map(([name, values]) => [name, spread(values.slice(1))]));
    console.log("CPU µs a message, server and database:");
    console.table(perMessage);
    results.push(compared, { title: `CPU µs a message, ${inFlight} in flight`, perMessage });
  }
  const { latencies } = await run(ours, 1, 10, limit / 2);
  latencies.sort((one, other) => one - other);
  const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? Number.NaN;
  const half = { messagesPerSecond: Math.round(limit / 2), p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(0.9999) };
  console.log("From sending to the other device at half of the highest rate seen:");
  console.table([half]);
  keep("message", [...results, { title: "latency at half load", ...half }]);
} finally {
  await stop();
}
process.exit(0);
