import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { chatLog } from "../../test/support/chatLog.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { anyStep, randomChat } from "../../test/support/randomChat.ts";
import { caughtUp, dump, startProjector } from "../../test/support/readModels.ts";
import { projections } from "../all.ts";
import { rebuild } from "./rebuild.ts";

let db: FreshDatabase;
beforeEach(async () => {
  db = await freshDatabase();
});
afterEach(() => db.drop());

const dumpAll = () => Promise.all(projections.map(({ name }) => dump(db.database, name)));
const seeded = (seed: number, length: number) =>
  fc.sample(fc.array(anyStep, { minLength: length, maxLength: length }), { numRuns: 1, seed }).flat();

async function aChat(seed: number, length: number) {
  const chat = chatLog();
  const people = [await chat.person("ada"), await chat.person("bo"), await chat.person("cy")];
  const random = randomChat(chat, people);
  await random.play(seeded(seed, length));
  return { chat, random, people };
}

describe("a rebuild", () => {
  test("gives every read model the same bytes, while people go on writing", async () => {
    const { chat, random } = await aChat(1, 300);
    const projector = await startProjector(chat.log, db.database);
    await caughtUp(projector, chat.log);
    let writing = true;
    const writer = (async () => {
      for (let seed = 100; writing; seed++) {
        await random.play(seeded(seed, 2));
        await pause(10);
      }
    })();
    const rebuilt = await rebuild({ log: chat.log, database: db.database }, projections, { batchSize: 100 });
    writing = false;
    await writer;
    expect(rebuilt.map(({ outcome }) => outcome)).toEqual(projections.map(() => "swapped"));
    await chat.person("dee");
    await caughtUp(projector, chat.log);
    const live = await dumpAll();
    await projector.stop();
    expect(projector.problems).toEqual([]);
    await db.database.query(projections.map(({ name }) => `drop schema ${name} cascade`).join(";"));
    await db.database.query("drop schema ops cascade");
    const anew = await startProjector(chat.log, db.database);
    await caughtUp(anew, chat.log);
    await anew.stop();
    expect(await dumpAll()).toEqual(live);
  });
});
