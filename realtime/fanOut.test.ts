import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { decode } from "../projections/logged.ts";
import type { Projector } from "../projections/projector.ts";
import { Change } from "../read-api/shapes.ts";
import { changeSource } from "../read-api/sync/changeSource.ts";
import { type ChatLog, chatLog } from "../test/support/chatLog.ts";
import { deviceState } from "../test/support/deviceState.ts";
import { type FreshDatabase, freshDatabase } from "../test/support/postgres.ts";
import { anyStep, randomChat } from "../test/support/randomChat.ts";
import { by, reader } from "../test/support/reader.ts";
import { caughtUp, startProjector } from "../test/support/readModels.ts";
import { runsWithin } from "../test/support/runsWithin.ts";
import { Audience } from "./audience.ts";
import { FanOut } from "./fanOut.ts";

let db: FreshDatabase;
let projector: Projector;
let chat: ChatLog;

beforeAll(async () => {
  db = await freshDatabase();
  chat = chatLog();
  projector = await startProjector(chat.log, db.database);
});
afterAll(async () => {
  await projector.stop();
  await db.drop();
});

const Frame = z.object({ changes: z.array(Change) });
const HEADER_BYTES: Readonly<Record<number, number>> = { 126: 4, 127: 10 };
const changesIn = (frame: Buffer) =>
  Frame.parse(JSON.parse(frame.subarray(HEADER_BYTES[frame[1] ?? 0] ?? 2).toString())).changes;

/** Somebody's device on a socket that is live: it holds what sync gives now, and then what it is told. */
async function listener(source: ReturnType<typeof changeSource>, userId: string) {
  const state = deviceState(userId);
  for await (const { changes } of source.catchUp(by(userId), undefined)) state.apply(changes);
  const introduced = new Set<string>();
  return {
    userId,
    state,
    identity: undefined,
    deliver: (frame: Buffer) => state.apply(changesIn(frame)),
    knows: (other: string) => introduced.has(other),
    introduce: (other: string) => introduced.size < introduced.add(other).size,
    forget: (other: string) => void introduced.delete(other),
  };
}

/** Devices of these people, live from here on. Gives the way to tell them what was appended since, so many events at once. */
async function listening(people: readonly string[]) {
  const source = changeSource(reader(chat, db.database).parts);
  await caughtUp(projector, chat.log);
  const audience = new Audience();
  const devices = new Map<string, Awaited<ReturnType<typeof listener>>>();
  for (const userId of people) {
    const { position, conversations } = await source.belongings("main", userId);
    audience.seat("main", userId, position, conversations);
    devices.set(`main/${userId}`, await listener(source, userId));
  }
  const { position: start } = await chat.log.head();
  const fanOut = new FanOut({ source, audience, sockets: (person) => [devices.get(person) ?? []].flat() });
  return {
    async tellAll(atOnce: number): Promise<void> {
      await caughtUp(projector, chat.log);
      const events: ReturnType<typeof decode>[] = [];
      for await (const recorded of chat.log.readAll(start)) events.push(decode(recorded));
      for (let at = 0; at < events.length; at += atOnce) {
        const batch = events.slice(at, at + atOnce);
        await fanOut.spread({ events: batch, checkpoint: batch.at(-1)?.position ?? 0, resynced: [] });
      }
    },
    async expectUpToDate(): Promise<void> {
      for (const { userId, state } of devices.values()) {
        const fresh = (await listener(source, userId)).state;
        expect(state.view(fresh)).toEqual(fresh.view(state));
      }
    },
  };
}

/** The rows hold all of it before the first of it is told. */
describe("devices that are told late, of rows that are far ahead, end with what a fresh device is given", () => {
  test("where somebody comes into a conversation that goes on", async () => {
    const [ada, bo, cy] = [await chat.person("ada"), await chat.person("bo"), await chat.person("cy")];
    const group = await chat.group("plans", bo, [cy]);
    const { tellAll, expectUpToDate } = await listening([ada, bo, cy]);
    await chat.add(group, ada);
    await chat.send(group, bo, "welcome");
    await chat.mark(group, cy, 1);
    await chat.send(group, ada, "thank you");
    await chat.send(group, bo, "as I was saying");
    await tellAll(1);
    await expectUpToDate();
  });

  test("where the history of a conversation is narrowed to what each was there for", async () => {
    const [ada, bo] = [await chat.person("ada"), await chat.person("bo")];
    const group = await chat.group("plans", bo, []);
    await chat.open(group, "all");
    await chat.send(group, bo, "before ada");
    await chat.add(group, ada);
    const { tellAll, expectUpToDate } = await listening([ada, bo]);
    await chat.open(group, "joined");
    await chat.send(group, ada, "closed?");
    await chat.send(group, bo, "closed.");
    await tellAll(1);
    await expectUpToDate();
  });

  test("whatever happens, and however much is told at once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep, { minLength: 1, maxLength: 15 }),
        fc.array(anyStep, { minLength: 5, maxLength: 30 }),
        fc.integer({ min: 1, max: 4 }),
        runsWithin(6_000, async (before, after, atOnce) => {
          const people = [await chat.person("ada"), await chat.person("bo"), await chat.person("cy")];
          const { play } = randomChat(chat, people);
          await play(before);
          const { tellAll, expectUpToDate } = await listening(people);
          await play(after);
          await tellAll(atOnce);
          await expectUpToDate();
        }),
      ),
      { numRuns: 20 },
    );
  }, 60_000);
});
