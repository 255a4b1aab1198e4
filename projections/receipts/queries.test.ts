import { afterAll, beforeAll, expect, test } from "vitest";
import { visible } from "../../domain/conversation/visibility.ts";
import { chatLog } from "../../test/support/chatLog.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { caughtUp, startProjector } from "../../test/support/readModels.ts";
import { seatsIn } from "../inbox/queries.ts";
import type { Projector } from "../projector.ts";
import { countReceipts } from "./queries.ts";

let db: FreshDatabase;
let projector: Projector;
const chat = chatLog();
beforeAll(async () => {
  db = await freshDatabase();
  projector = await startProjector(chat.log, db.database);
});
afterAll(async () => {
  await projector.stop();
  await db.drop();
});

test("a message counts towards just those members who may see it, its sender apart", async () => {
  const people: string[] = [];
  for (const name of ["ada", "bo", "cy", "di"]) people.push(await chat.person(name));
  const [ada = "", bo = "", cy = "", di = ""] = people;
  const group = await chat.group("plans", ada, [bo]);
  await chat.send(group, ada, "1");
  await chat.add(group, cy);
  await chat.send(group, ada, "2");
  await chat.remove(group, cy);
  await chat.remove(group, bo);
  await chat.send(group, ada, "3");
  await chat.add(group, cy);
  await chat.add(group, di);
  await chat.send(group, ada, "4");
  for (const history of ["joined", "all"] as const) {
    if (history === "all") await chat.open(group, "all");
    await caughtUp(projector, chat.log);
    const seats = await seatsIn(db.database, "main", group, people);
    for (let seq = 1; seq <= 4; seq++) {
      const asked = { conversation: group, seq, author: ada, openToAll: history === "all" };
      const entitled = [...seats].filter(([id, seat]) => id !== ada && visible(seat.memberships, history, seq));
      expect((await countReceipts(db.database, "main", asked)).total).toBe(entitled.length);
    }
  }
});
