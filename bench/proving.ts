import { compare, keep } from "./harness.ts";
import { type Pair, run, scriptaPairs } from "./support/pairs.ts";
import { startScripta } from "./support/server.ts";

const PAIRS = Number(process.env.BENCH_PAIRS ?? 50);
const SECONDS_A_TURN = Number(process.env.BENCH_SECONDS ?? 4);

const proven = await startScripta();
const unproven = await startScripta({ unproven: true });
try {
  const [ours, theirs] = [await scriptaPairs(proven.url, PAIRS), await scriptaPairs(unproven.url, PAIRS)];
  const contender = (name: string, pairs: readonly Pair[], inFlight: number) => ({
    name,
    async turn() {
      const { messages, seconds } = await run(pairs, inFlight, SECONDS_A_TURN);
      return seconds / messages;
    },
  });
  const results = [];
  for (const inFlight of [4, 16])
    results.push(
      await compare({
        title: `Messages on the other device, ${PAIRS} pairs, ${inFlight} in flight each; fsync on; one server process each`,
        unit: "messages",
        size: 1,
        ours: contender("sealed, sequenced and signed", ours, inFlight),
        baselines: [contender("in clear, without the verifiable log", theirs, inFlight)],
      }),
    );
  keep("proving", results);
} finally {
  await Promise.all([proven.stop(), unproven.stop()]);
}
process.exit(0);
