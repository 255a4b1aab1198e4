import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { decodeFacts } from "../../domain/catalogue.ts";
import { only } from "../../domain/event.ts";
import { streamId } from "../../domain/ids.ts";
import { type EventLog, UnknownOutcome } from "../../infra/ports/eventLog.ts";
import { aDeployment, alteredLog, recordedIn } from "../../test/support/engines.ts";
import { NOW } from "../../test/support/given.ts";
import { Marks } from "./marks.ts";

const conversationId = crypto.randomUUID();
const stream = streamId("main", "receipts", conversationId);
const [ada, bo, cy] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
const reads = (userId: string, seq: number) => ({ userId, deviceId: null, delivered: seq, read: seq, at: NOW });
const stores = (userId: string, seq: number) => ({ ...reads(userId, seq), read: 0 });

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

async function marksIn(log: EventLog) {
  return (await recordedIn(log, stream)).map((event) => {
    const facts = decodeFacts(event);
    if (facts.type === "?") throw new Error("every event here is known");
    return only([facts], "MarksRaised").data.marks.map(({ userId, delivered, read }) => ({ userId, delivered, read }));
  });
}

test("the first mark after a quiet second is recorded at once", async () => {
  const { engine, log } = aDeployment();
  const marks = new Marks(engine());
  expect(await marks.raise("main", conversationId, reads(ada, 3))).toMatchObject({
    read: 3,
    delivered: 3,
    revision: 0,
  });
  expect(await marksIn(log)).toEqual([[{ userId: ada, delivered: 3, read: 3 }]]);
});

test("those that come within a second of it are one event, with the highest of each person", async () => {
  const { engine, log } = aDeployment();
  const marks = new Marks(engine());
  await marks.raise("main", conversationId, reads(ada, 1));
  const more = [reads(bo, 4), stores(bo, 9), reads(cy, 2), reads(bo, 5)].map((mark) =>
    marks.raise("main", conversationId, mark),
  );
  await vi.advanceTimersByTimeAsync(900);
  expect(await marksIn(log)).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(200);
  expect(await Promise.all(more)).toMatchObject([
    { read: 5, delivered: 9, revision: 1 },
    { read: 5, delivered: 9, revision: 1 },
    { read: 2, delivered: 2, revision: 1 },
    { read: 5, delivered: 9, revision: 1 },
  ]);
  expect((await marksIn(log))[1]).toEqual([
    { userId: bo, delivered: 9, read: 5 },
    { userId: cy, delivered: 2, read: 2 },
  ]);
  await vi.advanceTimersByTimeAsync(2_500);
  expect(vi.getTimerCount()).toBe(0);
});

test("at or below the mark nothing is recorded, and the answer is where the mark was made", async () => {
  const { engine, log } = aDeployment();
  const marks = new Marks(engine());
  const first = await marks.raise("main", conversationId, reads(ada, 5));
  expect(await marks.raise("main", conversationId, reads(ada, 5))).toEqual(first);
  expect(await marks.raise("main", conversationId, stores(ada, 2))).toEqual(first);
  expect(await marksIn(log)).toHaveLength(1);
});

test("what the read model knows from before counts", async () => {
  const { engine, log } = aDeployment();
  const known = { read: 7, delivered: 9, position: 40, revision: 3 };
  const marks = new Marks(engine({ marks: async () => new Map([[ada, known]]) }));
  expect(await marks.raise("main", conversationId, reads(ada, 7))).toEqual(known);
  expect(await marksIn(log)).toEqual([]);
  expect(await marks.raise("main", conversationId, reads(ada, 8))).toMatchObject({ read: 8, delivered: 9 });
});

test("a mark is acknowledged only once it is committed: where that failed, whoever waited is told so", async () => {
  const { engine, log } = aDeployment();
  let broken = true;
  const cut = alteredLog(log, {
    append: (...append) => (broken ? Promise.reject(new UnknownOutcome("the link broke")) : log.append(...append)),
  });
  const marks = new Marks(engine({ log: cut }));
  await expect(marks.raise("main", conversationId, reads(ada, 3))).rejects.toThrow(UnknownOutcome);
  broken = false;
  const again = marks.raise("main", conversationId, reads(ada, 3));
  await vi.advanceTimersByTimeAsync(1_100);
  expect(await again).toMatchObject({ read: 3, revision: 0 });
});

test("what waits when the process ends is recorded first, and no timer is left", async () => {
  const { engine, log } = aDeployment();
  const marks = new Marks(engine());
  await marks.raise("main", conversationId, reads(ada, 1));
  const waiting = marks.raise("main", conversationId, reads(bo, 1));
  await vi.advanceTimersByTimeAsync(1);
  await marks.drain();
  expect(await waiting).toMatchObject({ read: 1, revision: 1 });
  expect(await marksIn(log)).toHaveLength(2);
  expect(vi.getTimerCount()).toBe(0);
});

test("whatever is raised when, through two processes: no acknowledged mark is lost, none goes back, at most one event a second each", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          via: fc.nat(1),
          who: fc.constantFrom(ada, bo, cy),
          seq: fc.integer({ min: 1, max: 20 }),
          read: fc.boolean(),
          afterMs: fc.constantFrom(0, 0, 10, 300, 1_500),
        }),
        { maxLength: 40 },
      ),
      async (raises) => {
        const { engine, log } = aDeployment();
        const processes = [new Marks(engine()), new Marks(engine())];
        const startedAt = performance.now();
        const acknowledged: Promise<void>[] = [];
        const highest = new Map<string, number>();
        for (const { via, who, seq, read, afterMs } of raises) {
          await vi.advanceTimersByTimeAsync(afterMs);
          const mark = read ? reads(who, seq) : stores(who, seq);
          acknowledged.push(
            (processes[via] ?? new Marks(engine())).raise("main", conversationId, mark).then((now) => {
              expect(now.delivered).toBeGreaterThanOrEqual(seq);
              expect(now.read).toBeLessThanOrEqual(now.delivered);
              if (read) expect(now.read).toBeGreaterThanOrEqual(seq);
            }),
          );
          highest.set(who, Math.max(highest.get(who) ?? 0, seq));
        }
        await vi.advanceTimersByTimeAsync(1_100);
        await Promise.all(acknowledged);
        const events = await marksIn(log);
        for (const [userId, seq] of highest) {
          const delivered = events
            .flat()
            .filter((mark) => mark.userId === userId)
            .map((mark) => mark.delivered);
          expect(Math.max(...delivered)).toBe(seq);
        }
        expect(events.length).toBeLessThanOrEqual(2 * (1 + Math.ceil((performance.now() - startedAt) / 1_000)));
      },
    ),
    { numRuns: 60 },
  ));
