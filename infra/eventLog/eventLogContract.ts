import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventId, type StreamId, streamId } from "../../domain/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Batch, EventLog, NewCommand, NewEvent, RecordedEvent, SealedContent } from "../ports/eventLog.ts";

export interface OpenLog {
  readonly log: EventLog;
  close(): Promise<void>;
}

const DAY_MS = 86_400_000;
const start = Date.parse("2026-11-21T10:00:00.000Z");

export const aStream = (kind: "conversation" | "receipts" = "conversation") => streamId("main", kind, randomUUID());

export const anEvent = (changes: Partial<NewEvent> = {}): NewEvent => ({
  type: "MessageSent",
  version: 1,
  target: randomUUID(),
  data: '{"seq":1,  "note":"kept as it is, \\u00e9 ✓"}',
  meta: '{"deviceId":null}',
  sealed: null,
  ...changes,
});

export const aCommand = (events: readonly NewEvent[] = [anEvent()]): NewCommand => ({
  commandId: randomUUID(),
  actorId: randomUUID(),
  payloadHash: Uint8Array.from({ length: 32 }, (_, at) => at),
  events,
});

const someSealed = (bucket: string): SealedContent => ({
  subject: randomUUID(),
  bucket,
  commitment: new Uint8Array(32).fill(7),
  nonce: new Uint8Array(12).fill(8),
  ciphertext: Uint8Array.from({ length: 300 }, (_, at) => at % 256),
});

const plain = ({ sealed, ...event }: RecordedEvent) => ({
  ...event,
  sealed: sealed && {
    ...sealed,
    commitment: Buffer.from(sealed.commitment).toString("hex"),
    nonce: Buffer.from(sealed.nonce).toString("hex"),
    ciphertext: Buffer.from(sealed.ciphertext).toString("hex"),
  },
});

export async function all(events: AsyncIterable<RecordedEvent>): Promise<RecordedEvent[]> {
  const found: RecordedEvent[] = [];
  for await (const event of events) found.push(event);
  return found;
}

async function appended(log: EventLog, stream: StreamId, expected: number | "any", commands: readonly NewCommand[]) {
  const outcome = await log.append(stream, expected, commands);
  if (outcome.status !== "ok") throw new Error(`expected an append, got ${JSON.stringify(outcome)}`);
  return outcome.events;
}

/** What every adapter of the log must keep. `open` gives an empty log that takes its time from the clock. */
export function eventLogContract(name: string, open: (clock: Clock) => Promise<OpenLog>): void {
  describe(`the log in ${name}`, () => {
    const clock = { ms: start, now: () => clock.ms };
    let opened: OpenLog;
    let log: EventLog;
    beforeAll(async () => {
      opened = await open(clock);
      log = opened.log;
    });
    afterAll(() => opened.close());

    test("is empty at first: position 0, epoch 1, nothing to read", async () => {
      expect(await log.head()).toEqual({ position: 0, recordedAt: 0 });
      expect(await log.epoch()).toBe(1);
      expect(await all(log.readAll(0))).toEqual([]);
      expect(await log.revision(aStream())).toBe(-1);
      expect(await log.find(aStream(), randomUUID())).toBeUndefined();
    });

    test("gives back an event as it was appended, byte for byte, in its place", async () => {
      const stream = aStream();
      const command = aCommand([
        anEvent({ sealed: someSealed("2026-11-21") }),
        anEvent({ target: null, type: "Renamed" }),
      ]);
      const events = await appended(log, stream, -1, [command]);
      expect(events.map((event) => event.id)).toEqual([0, 1].map((at) => eventId(stream, command.commandId, at)));
      expect(events.map(({ revision, ordinal, recordedAt }) => [revision, ordinal, recordedAt])).toEqual([
        [0, 0, clock.ms],
        [1, 1, clock.ms],
      ]);
      expect(events[0]).toMatchObject(
        anEvent({ target: command.events[0]?.target ?? null, sealed: command.events[0]?.sealed ?? null }),
      );
      const read = await all(log.readStream(stream));
      expect(read.map(plain)).toEqual(events.map(plain));
      expect((await all(log.readAll((events[0]?.position ?? 0) - 1))).map(plain)).toEqual(events.map(plain));
      expect(await log.head()).toEqual({ position: events[1]?.position, recordedAt: clock.ms });
      expect(await log.revision(stream)).toBe(1);
    });

    test("refuses an append whose expected revision is not the stream's, and tells which it is", async () => {
      const stream = aStream();
      expect(await log.append(stream, 0, [aCommand()])).toEqual({ status: "conflict", revision: -1 });
      await appended(log, stream, -1, [aCommand()]);
      expect(await log.append(stream, -1, [aCommand()])).toEqual({ status: "conflict", revision: 0 });
      expect(await log.append(stream, 1, [aCommand()])).toEqual({ status: "conflict", revision: 0 });
      expect(await log.revision(stream)).toBe(0);
    });

    test("knows a command for ever, and gives what it first led to", async () => {
      const stream = aStream();
      const before = aCommand();
      const command = aCommand([anEvent(), anEvent(), anEvent()]);
      const events = await appended(log, stream, -1, [before, command, aCommand([anEvent(), anEvent()])]);
      expect(await log.append(stream, 5, [aCommand(), command])).toEqual({
        status: "duplicate",
        commandIds: [command.commandId],
      });
      // A retry after an outcome that was never heard comes with the revision of before.
      expect(await log.append(stream, -1, [command])).toMatchObject({ status: "duplicate" });
      const found = await log.find(stream, command.commandId);
      expect(found?.events.map(plain)).toEqual(events.slice(1, 4).map(plain));
      expect(found?.actorId).toBe(command.actorId);
      expect(Buffer.from(found?.payloadHash ?? [])).toEqual(Buffer.from(command.payloadHash));
      expect(await log.revision(stream)).toBe(5);
    });

    test("takes the same command id in two streams for two commands", async () => {
      const command = aCommand();
      const [one, other] = [aStream(), aStream()];
      await appended(log, one, -1, [command]);
      await appended(log, other, -1, [command]);
      expect((await log.find(one, command.commandId))?.events).toHaveLength(1);
      expect((await log.find(other, command.commandId))?.events[0]?.stream).toBe(other);
    });

    test("takes marks without expected revision, from whoever comes, and nothing else", async () => {
      const receipts = aStream("receipts");
      await Promise.all(
        Array.from({ length: 20 }, () => appended(log, receipts, "any", [{ ...aCommand(), actorId: null }])),
      );
      const events = await all(log.readStream(receipts));
      expect(events.map(({ revision }) => revision)).toEqual(events.map((_, at) => at));
      await expect(log.append(aStream(), "any", [aCommand()])).rejects.toThrow("only receipts");
    });

    test("finds all that touched one message, in order, in its own stream alone", async () => {
      const [stream, other, target] = [aStream(), aStream(), randomUUID()];
      const about = (type: string) => anEvent({ type, target });
      await appended(log, stream, -1, [aCommand([about("MessageSent"), anEvent(), about("MessageEdited")])]);
      await appended(log, other, -1, [aCommand([about("MessageSent")])]);
      await appended(log, stream, 2, [aCommand([about("MessageDeleted")])]);
      const events = await log.readTarget(stream, target);
      expect(events.map(({ type, revision }) => [type, revision])).toEqual([
        ["MessageSent", 0],
        ["MessageEdited", 2],
        ["MessageDeleted", 3],
      ]);
    });

    test("knows which of some messages a stream has events about", async () => {
      const [stream, other] = [aStream(), aStream()];
      const [known, elsewhere, unknown] = [randomUUID(), randomUUID(), randomUUID()];
      const about = (target: string) => aCommand([anEvent({ target })]);
      await appended(log, stream, -1, [about(known), about(known)]);
      await appended(log, other, -1, [about(elsewhere)]);
      expect(await log.knownTargets(stream, [known, elsewhere, unknown])).toEqual(new Set([known]));
      expect(await log.knownTargets(aStream(), [known])).toEqual(new Set());
      expect(await log.knownTargets(stream, [])).toEqual(new Set());
    });

    test("reads a stream from a revision on, however long it is", async () => {
      const stream = aStream();
      await appended(log, stream, -1, [aCommand(Array.from({ length: 1_200 }, () => anEvent()))]);
      await appended(log, stream, 1_199, [aCommand(Array.from({ length: 1_200 }, () => anEvent()))]);
      const revisions = (await all(log.readStream(stream, 5))).map(({ revision }) => revision);
      expect(revisions).toEqual(Array.from({ length: 2_395 }, (_, at) => at + 5));
      expect(await all(log.readStream(stream, 2_400))).toEqual([]);
      expect((await all(log.readStream(stream, 7, 1))).map(({ revision }) => revision)).toEqual([7]);
      expect(await all(log.readStream(stream, 5, 1_500))).toHaveLength(1_500);
      expect(await all(log.readStream(stream, 2_000, 5_000))).toHaveLength(400);
    });

    test("never lets recordedAt decrease, even when the clock steps back by an hour", async () => {
      const [first] = await appended(log, aStream(), -1, [aCommand()]);
      clock.ms -= 3_600_000;
      const [second] = await appended(log, aStream(), -1, [aCommand()]);
      expect(second?.recordedAt).toBe(first?.recordedAt);
      clock.ms += 3_600_000;
    });

    test("refuses content whose bucket is neither the day of its recording nor the day before", async () => {
      const today = new Date(clock.ms).toISOString().slice(0, 10);
      const day = (distance: number) => new Date(clock.ms + distance * DAY_MS).toISOString().slice(0, 10);
      const append = (bucket: string, checkDay: boolean) =>
        log.append(aStream(), -1, [aCommand([anEvent(), anEvent({ checkDay, sealed: someSealed(bucket) })])]);
      expect(await append(day(0), true)).toMatchObject({ status: "ok" });
      expect(await append(day(-1), true)).toMatchObject({ status: "ok" });
      expect(await append(day(-2), true)).toEqual({ status: "stale-bucket", day: today });
      expect(await append(day(1), true)).toEqual({ status: "stale-bucket", day: today });
      expect(await append("-", true)).toMatchObject({ status: "ok" });
      expect(await append(day(-400), false)).toMatchObject({ status: "ok" });
    });

    test("judges appends that wait together one by one: what is wrong with one does not touch the others", async () => {
      const streams = Array.from({ length: 6 }, () => aStream());
      const known = aCommand();
      await appended(log, streams[0] ?? aStream(), -1, [known]);
      const outcomes = await Promise.allSettled([
        log.append(streams[0] ?? aStream(), 0, [known]),
        log.append(streams[1] ?? aStream(), 4, [aCommand()]),
        log.append(streams[2] ?? aStream(), -1, [aCommand()]),
        log.append(streams[3] ?? aStream(), -1, [aCommand([anEvent({ target: "nobody" })])]),
        log.append(streams[4] ?? aStream(), -1, [
          aCommand([anEvent({ checkDay: true, sealed: someSealed("2020-01-01") })]),
        ]),
        log.append(streams[5] ?? aStream(), -1, [aCommand([anEvent(), anEvent()])]),
      ]);
      expect(outcomes.map((one) => (one.status === "fulfilled" ? one.value.status : "rejected"))).toEqual([
        "duplicate",
        "conflict",
        "ok",
        "rejected",
        "stale-bucket",
        "ok",
      ]);
    });

    test("keeps every law under any history of appends", async () => {
      const step = fc.record({
        stream: fc.nat(3),
        off: fc.constantFrom(0, 0, 0, 0, -1, 1, 5),
        sizes: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
        repeat: fc.boolean(),
        together: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
          const streams = Array.from({ length: 4 }, () => ({ id: aStream(), length: 0, known: [] as NewCommand[] }));
          let last = (await log.head()).position;
          let running: Promise<void>[] = [];
          const busy = new Set<string>();
          for (const { stream: at, off, sizes, repeat, together } of steps) {
            const stream = streams[at];
            if (!stream) continue;
            if (!together || busy.has(stream.id)) {
              await Promise.all(running);
              running = [];
              busy.clear();
            }
            busy.add(stream.id);
            const fresh = sizes.map((size) => aCommand(Array.from({ length: size }, () => anEvent())));
            const old = repeat ? stream.known[0] : undefined;
            const commands = old ? [...fresh, old] : fresh;
            const head = stream.length - 1;
            running.push(
              log.append(stream.id, head + off, commands).then((outcome) => {
                if (old) expect(outcome).toEqual({ status: "duplicate", commandIds: [old.commandId] });
                else if (off !== 0) expect(outcome).toEqual({ status: "conflict", revision: head });
                else {
                  if (outcome.status !== "ok") throw new Error(outcome.status);
                  const { events } = outcome;
                  const first = events[0]?.position ?? 0;
                  expect(events.map(({ revision }) => revision)).toEqual(events.map((_, n) => stream.length + n));
                  expect(events.map(({ position }) => position)).toEqual(events.map((_, n) => first + n));
                  stream.length += events.length;
                  stream.known.push(...fresh);
                }
              }),
            );
          }
          await Promise.all(running);
          for (const { id, length, known } of streams) {
            const events = await all(log.readStream(id));
            expect(events.map(({ revision }) => revision)).toEqual(Array.from({ length }, (_, n) => n));
            expect(events.map(({ commandId }) => commandId)).toEqual(
              known.flatMap(({ commandId, events: { length: count } }) =>
                Array.from({ length: count }, () => commandId),
              ),
            );
          }
          for (const { position, recordedAt } of await all(log.readAll(last))) {
            expect(position).toBeGreaterThan(last);
            expect(recordedAt).toBe(clock.ms);
            last = position;
          }
        }),
        { numRuns: 25 },
      );
    });

    test("hands a subscriber what is there and then what comes, once, in order, without a gap, while many append", async () => {
      const { position: from } = await log.head();
      const history = await appended(log, aStream(), -1, [aCommand(Array.from({ length: 1_500 }, () => anEvent()))]);
      const seen: RecordedEvent[] = [];
      const late: RecordedEvent[] = [];
      const into = (collected: RecordedEvent[], pauseMs: number) => async (batch: Batch) => {
        expect(batch.after).toBe(collected.at(-1)?.position ?? from);
        expect(batch.events.length).toBeGreaterThan(0);
        collected.push(...batch.events);
        if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      };
      const fast = log.subscribe(from, into(seen, 0));
      const slow = log.subscribe(from, into(late, 20));
      const appenders = Array.from({ length: 8 }, async () => {
        const stream = aStream();
        for (let n = 0; n < 25; n++) await appended(log, stream, n - 1, [aCommand()]);
      });
      await Promise.all(appenders);
      const expected = (await all(log.readAll(from))).map(({ id }) => id);
      expect(expected).toHaveLength(history.length + 200);
      for (const collected of [seen, late])
        await expect.poll(() => collected.map(({ id }) => id), { timeout: 10_000 }).toEqual(expected);
      await fast.stop();
      await slow.stop();
      await expect(fast.ended).resolves.toBeUndefined();
    });

    test("tells a subscriber that threw what it threw, and hands it nothing more", async () => {
      const { position } = await log.head();
      let calls = 0;
      const failing = log.subscribe(position, async () => {
        calls++;
        throw new Error("cannot fold this");
      });
      const ended = expect(failing.ended).rejects.toThrow("cannot fold this");
      await appended(log, aStream(), -1, [aCommand()]);
      await ended;
      await appended(log, aStream(), -1, [aCommand()]);
      expect(calls).toBe(1);
      await failing.stop();
    });

    test("hands over nothing after stop, which waits for the handler that runs", async () => {
      const { position } = await log.head();
      const began = Promise.withResolvers<void>();
      const finish = Promise.withResolvers<void>();
      let finished = false;
      const running = log.subscribe(position, async () => {
        began.resolve();
        await finish.promise;
        finished = true;
      });
      await appended(log, aStream(), -1, [aCommand()]);
      await began.promise;
      const stopping = running.stop().then(() => expect(finished).toBe(true));
      finish.resolve();
      await stopping;
    });
  });
}
