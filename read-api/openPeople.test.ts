import { afterAll, beforeAll, expect, test } from "vitest";
import { chatLog } from "../test/support/chatLog.ts";
import { type FreshDatabase, freshDatabase } from "../test/support/postgres.ts";
import { startProjector } from "../test/support/readModels.ts";
import { peopleReader } from "./openPeople.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

test("people are read as they are called now, strangers are told apart, and the erased have no name left", async () => {
  const chat = chatLog();
  const [ada, bo, cy] = [await chat.person("ada", "Ada"), await chat.person("bo", "Bo"), await chat.person("cy")];
  await chat.group("plans", ada, [bo]);
  await chat.profile(bo, "Bobby");
  const projector = await startProjector(chat.log, db.database);
  const reader = peopleReader({ ...chat, database: db.database, waitFor: projector.waitFor });
  expect(await reader.settled()).toBe(true);
  expect(await reader.people("main", [bo, ada])).toEqual([
    { userId: bo, username: "bo", displayName: "Bobby", avatar: null, erased: false },
    { userId: ada, username: "ada", displayName: "Ada", avatar: null, erased: false },
  ]);
  expect(await reader.people("other", [ada])).toEqual([]);
  expect(await reader.sharingWith("main", ada, [bo, cy])).toEqual(new Set([bo]));
  expect(await reader.own("main", bo)).toMatchObject({ revision: 1, preferences: { enabled: true } });
  await chat.erase(bo);
  expect(await reader.people("main", [bo])).toEqual([
    { userId: bo, username: null, displayName: null, avatar: null, erased: true },
  ]);
  await projector.stop();
});
