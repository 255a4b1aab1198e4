import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compare, keep } from "./harness.ts";
import { cpuSeconds } from "./support/cpu.ts";
import { type Listener, openListener } from "./support/listener.ts";
import { commander, makePeople, prepare } from "./support/prepare.ts";
import { startRelay, startScripta } from "./support/server.ts";

const MEMBERS = Number(process.env.BENCH_MEMBERS ?? 500);
const MESSAGES = Number(process.env.BENCH_MESSAGES ?? 600);
const IN_FLIGHT = Number(process.env.BENCH_IN_FLIGHT ?? 64);
const TEXT = "Please take the second dose at eight, with a glass of water, and write me how it went.";
const LATE_MS = 120_000;

interface Room {
  readonly sender: Listener;
  readonly members: readonly Listener[];
  frame(id: string): string;
  readonly idInFrame: RegExp;
}

const drawn = { ids: 0 };
/** Distinct, and in order. */
const nextId = () => `00000000-0000-4000-8000-${String(++drawn.ids).padStart(12, "0")}`;

/**
 * Sends so many messages, with so many under way that somebody has not got yet. The frames of one member are looked
 * into: each message must be there, once and in order; what every other gets must be the same bytes in the same order.
 */
function run({ sender, members, frame, idInFrame }: Room): Promise<number> {
  return new Promise((resolve, reject) => {
    const expected: string[] = [];
    /** What the first to get it got as its nth frame. */
    const frames: { readonly bytes: Buffer; readonly messages: number }[] = [];
    let seen = 0;
    let deliveries = 0;
    let acknowledged = 0;
    const began = performance.now();
    const fail = (what: string) => reject(new Error(what));
    const late = setTimeout(() => fail(`${deliveries} of ${MESSAGES * members.length} deliveries arrived`), LATE_MS);
    const sendMore = () => {
      while (expected.length < MESSAGES && expected.length * members.length - deliveries < IN_FLIGHT * members.length) {
        const id = nextId();
        expected.push(id);
        sender.send(frame(id));
      }
      if (deliveries < MESSAGES * members.length || acknowledged < MESSAGES) return;
      clearTimeout(late);
      resolve((performance.now() - began) / 1_000);
    };
    const look = (payload: Buffer) => {
      const ids = new Set([...payload.toString().matchAll(idInFrame)].map(([, id]) => id));
      for (const id of ids) if (id !== expected[seen++]) fail(`${id} is not the message that comes next`);
      frames.push({ bytes: Buffer.from(payload), messages: ids.size });
    };
    sender.onText = (payload) => {
      if (payload.includes('"type":"reject"')) fail(payload.toString());
      if (!payload.includes('"type":"ack"')) return;
      acknowledged++;
      sendMore();
    };
    for (const member of members) {
      let nth = 0;
      member.onClose = () => fail("a member's socket was closed");
      member.onText = (payload) => {
        if (payload.length < 400 && payload.includes('"type":"cursor"')) return;
        if (nth === frames.length) look(payload);
        const same = frames[nth++];
        if (!same?.bytes.equals(payload)) return fail("two members were sent different frames");
        deliveries += same.messages;
        sendMore();
      };
    }
    sendMore();
  });
}

const folder = mkdtempSync(join(tmpdir(), "scripta-bench-"));
const { people, conversationId } = await prepare(folder, async (foundation) => {
  const people = await makePeople(foundation, MEMBERS + 1);
  const [owner, ...others] = people;
  const { conversationId } = await commander(foundation)("CreateConversation", owner?.userId ?? "", {
    kind: "group",
    name: "Ward 4",
    members: others.map(({ userId }) => ({ userId })),
  });
  return { people, conversationId };
});
const scripta = await startScripta({ folder, flags: process.env.BENCH_FLAGS?.split(" ") ?? [] });
const relay = await startRelay();
try {
  const ours: Room = await open(
    people.map(({ accessToken }) => ({ type: "hello", token: accessToken })),
    `${scripta.url}/api/v1/realtime`,
    "scripta.v1",
    {
      frame: (messageId) =>
        JSON.stringify({
          type: "command",
          id: messageId,
          name: "SendMessage",
          payload: { conversationId, messageId, kind: "text", text: TEXT },
        }),
      idInFrame: /"op":"message","conversationId":"[^"]+","messageId":"([^"]+)"/g,
    },
  );
  const theirs: Room = await open(
    people.map(() => ({ room: "ward-4" })),
    `${relay.url}/`,
    undefined,
    { frame: (id) => JSON.stringify({ id, text: TEXT }), idInFrame: /"id":"([^"]+)"/g },
  );
  const cpu: Record<string, number[]> = {};
  const contender = (name: string, room: Room, pid: number) => ({
    name,
    async turn() {
      const before = cpuSeconds(pid);
      const seconds = await run(room);
      cpu[name] = [...(cpu[name] ?? []), ((cpuSeconds(pid) - before) / (MESSAGES * MEMBERS)) * 1e6];
      return seconds;
    },
  });
  const compared = await compare({
    title: `A hot room: one sender, ${MEMBERS} members online, ${IN_FLIGHT} messages under way, ${MESSAGES} a turn; fsync on; one server process each`,
    unit: "deliveries",
    size: MESSAGES * MEMBERS,
    ours: contender("scripta", ours, scripta.pid),
    baselines: [contender("a loop of ws.send(string), stores nothing", theirs, relay.pid)],
  });
  console.log("CPU µs a delivery, of server and database, turn by turn (the first is warm-up):");
  console.log(cpu);
  keep("room", [compared, { title: "CPU µs a delivery, turn by turn", cpu }]);
} finally {
  await Promise.all([scripta.stop(), relay.stop()]);
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

async function open(
  hellos: readonly object[],
  url: string,
  protocol: string | undefined,
  speech: Pick<Room, "frame" | "idInFrame">,
): Promise<Room> {
  const listeners: Listener[] = [];
  for (const hello of hellos) listeners.push(await openListener(url, hello, protocol));
  const [sender, ...members] = listeners;
  if (!sender) throw new Error("a room has a sender");
  return { sender, members, ...speech };
}
