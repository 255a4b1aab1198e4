import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import { type Compared, compare, keep, spread } from "./harness.ts";
import { cpuSeconds } from "./support/cpu.ts";
import { call, openRelaySocket, openSocket, signUpMany } from "./support/people.ts";
import { type Measured, startRelay, startScripta } from "./support/server.ts";

const PAIRS = 50;
const TEXT = "Please take the second dose at eight, with a glass of water, and write me how it went.";
const SECONDS_A_TURN = Number(process.env.BENCH_SECONDS ?? 4);

/** One who sends and one who receives, however their server speaks. */
interface Pair {
  readonly sender: WebSocket;
  readonly receiver: WebSocket;
  frame(id: string): string;
}

/** What one run saw: messages that arrived, seconds, and from sending to arriving in ms. */
interface Run {
  readonly messages: number;
  readonly seconds: number;
  readonly latencies: number[];
}

const idIn = (text: string, before: string): string | undefined => {
  const at = text.indexOf(before);
  return at < 0 ? undefined : text.slice(at + before.length, at + before.length + 36);
};

/** Keeps so many in flight in each pair for a while, then waits for the rest; every message must arrive, once. */
function run(pairs: readonly Pair[], inFlight: number, seconds: number, perSecond?: number): Promise<Run> {
  return new Promise((resolve, reject) => {
    const sentAt = new Map<string, number>();
    const latencies: number[] = [];
    const began = performance.now();
    const until = began + seconds * 1_000;
    let sent = 0;
    let acknowledged = 0;
    let arrived = 0;
    const late = setTimeout(() => reject(new Error(`${arrived} of ${sent} messages arrived`)), (seconds + 30) * 1_000);
    const pace = perSecond === undefined ? undefined : setInterval(() => sendDue(), 5);

    const sendDue = () => {
      const now = performance.now();
      const due = Math.min(((now - began) / 1_000) * (perSecond ?? 0), seconds * (perSecond ?? 0));
      while (sent < due) send(pairs[sent % pairs.length]);
      if (now >= until) clearInterval(pace);
    };
    const send = (pair: Pair | undefined) => {
      if (!pair) return;
      const id = randomUUID();
      sentAt.set(id, performance.now());
      sent++;
      pair.sender.send(pair.frame(id));
    };
    const finish = () => {
      if (performance.now() < until || arrived < sent || acknowledged < sent) return;
      clearTimeout(late);
      clearInterval(pace);
      for (const { sender, receiver } of pairs) {
        sender.removeAllListeners("message");
        receiver.removeAllListeners("message");
      }
      resolve({ messages: arrived, seconds: (performance.now() - began) / 1_000, latencies });
    };
    for (const pair of pairs) {
      pair.sender.on("message", (data) => {
        const text = String(data);
        if (text.includes('"type":"reject"')) return reject(new Error(text));
        if (!text.includes('"type":"ack"')) return;
        acknowledged++;
        if (perSecond === undefined && performance.now() < until) send(pair);
        finish();
      });
      pair.receiver.on("message", (data) => {
        let rest = String(data);
        for (let id = messageIn(rest); id; id = messageIn(rest)) {
          const at = sentAt.get(id);
          if (at === undefined) return reject(new Error(`${id} arrived twice, or was never sent`));
          sentAt.delete(id);
          latencies.push(performance.now() - at);
          arrived++;
          rest = rest.slice(rest.indexOf(id) + 36);
          // A change names its message twice: in its key and in what it carries.
          if (rest.includes(id)) rest = rest.slice(rest.indexOf(id) + 36);
        }
        finish();
      });
      if (perSecond === undefined) for (let n = 0; n < inFlight; n++) send(pair);
    }
  });
}

const messageIn = (text: string) =>
  (idIn(text, '"op":"message"') && idIn(text, '"messageId":"')) || idIn(text, '"type":"message","id":"');

async function scriptaPairs(url: string): Promise<Pair[]> {
  const people = await signUpMany(url, 2 * PAIRS);
  return Promise.all(
    Array.from({ length: PAIRS }, async (_, nth) => {
      const [one, other] = [people[2 * nth], people[2 * nth + 1]];
      if (!one || !other) throw new Error("too few people");
      const { conversationId } = await call<{ conversationId: string }>(url, "POST", "/api/v1/conversations", {
        token: one.accessToken,
        body: { kind: "direct", userId: other.userId },
      });
      const [sender, receiver] = await Promise.all([openSocket(url, one), openSocket(url, other)]);
      const frame = (messageId: string) =>
        JSON.stringify({
          type: "command",
          id: messageId,
          name: "SendMessage",
          payload: { conversationId, messageId, kind: "text", text: TEXT },
        });
      return { sender, receiver, frame };
    }),
  );
}

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
  const ours = await scriptaPairs(scripta.url);
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
