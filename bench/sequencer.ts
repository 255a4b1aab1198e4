import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resumeSequencing } from "../compliance/tlog/sequencing.ts";
import type { RecordedEvent } from "../infra/ports/eventLog.ts";
import { compare, keep, timed } from "./harness.ts";
import { commander, makePeople, prepare } from "./support/prepare.ts";

const MESSAGES = Number(process.env.BENCH_MESSAGES ?? 4_000);
const PEOPLE = 32;
const IN_FLIGHT = 64;
const BATCH = 1_000;

const folder = await mkdtemp(join(tmpdir(), "scripta-bench-"));
try {
  await prepare(folder, async (on) => {
    const { database, log, sealing } = on;
    const people = await makePeople(on, PEOPLE);
    const run = commander(on);
    const talks = await Promise.all(
      people.map(async ({ userId }) => {
        const members = people.slice(0, 5).map((other) => ({ userId: other.userId }));
        return { userId, ...(await run("CreateConversation", userId, { kind: "group", name: "bench", members })) };
      }),
    );
    /** Messages through the engine: decided, sealed, appended, on disk; without sockets and projecting being waited for. */
    const send = async () => {
      let next = 0;
      const one = async () => {
        for (let n = next++; n < MESSAGES; n = next++) {
          const talk = talks[n % talks.length];
          if (!talk) throw new Error("no conversation");
          const text = `a message of some hundred characters, as people write them to each other all day long: ${n}`;
          const { userId, conversationId } = talk;
          await run("SendMessage", userId, { conversationId, messageId: crypto.randomUUID(), kind: "text", text });
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, one));
    };
    /** The last so many events of the log, put in order. */
    const follow = async () => {
      const sequencing = await resumeSequencing({ database, log, sealing });
      let batch: RecordedEvent[] = [];
      for await (const event of log.readAll(sequencing.position)) {
        batch.push(event);
        if (batch.length < BATCH) continue;
        await sequencing.add(batch);
        batch = [];
      }
      if (batch.length > 0) await sequencing.add(batch);
      return sequencing;
    };
    await follow();
    const compared = await compare({
      title: `Sequencer catching up with ${MESSAGES} messages; sending: ${IN_FLIGHT} in flight in ${PEOPLE} conversations; fsync on; one process`,
      unit: "events",
      size: MESSAGES,
      ours: {
        name: "sequencer",
        turn: async () => {
          await send();
          const { position } = await log.head();
          const before = (await resumeSequencing({ database, log, sealing })).edge.size;
          let after = { size: 0, position: 0 };
          const seconds = await timed(async () => {
            const sequencing = await follow();
            after = { size: sequencing.edge.size, position: sequencing.position };
          });
          if (after.position < position || after.size - before < MESSAGES) throw new Error("not all is in order");
          return (seconds * MESSAGES) / (after.size - before);
        },
      },
      baselines: [{ name: "sending, without sockets", turn: () => timed(send) }],
    });
    keep("sequencer", [compared]);
  });
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exit(0);
