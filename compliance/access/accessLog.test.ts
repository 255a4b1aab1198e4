import { afterAll, beforeAll, expect, test } from "vitest";
import { migrate } from "../../infra/postgres/migrate.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { accessLogMigrations, brokenAccess, writeAccess } from "./accessLog.ts";

let db: FreshDatabase;
beforeAll(async () => {
  db = await freshDatabase();
  await migrate(db.database, accessLogMigrations());
  const looked = (tenant: string, seq: number) =>
    writeAccess(db.database, {
      tenant,
      at: new Date(Date.UTC(2026, 10, 22, 8, 0, seq, 7)),
      actor: crypto.randomUUID(),
      device: seq % 2 ? crypto.randomUUID() : null,
      action: "read-conversation",
      about: { conversationId: crypto.randomUUID(), first: 1, last: seq },
    });
  await Promise.all(["main", "acme"].flatMap((tenant) => Array.from({ length: 20 }, (_, seq) => looked(tenant, seq))));
});
afterAll(() => db.drop());

async function broken() {
  const found = [];
  for await (const one of brokenAccess(db.database)) found.push(one);
  return found;
}

test("each entry of a tenant follows from the one before, however many write at once", async () => {
  const { rows } = await db.database.query<{ tenant: string; entries: number[] }>(
    "select tenant, array_agg(entry order by entry) as entries from compliance.access_log group by tenant order by tenant",
  );
  const dense = Array.from({ length: 20 }, (_, at) => at + 1);
  expect(rows).toEqual([
    { tenant: "acme", entries: dense },
    { tenant: "main", entries: dense },
  ]);
  expect(await broken()).toEqual([]);
});

test.each([
  ["altered", "update compliance.access_log set about = '{}' where tenant = 'main' and entry = 7", 7],
  ["put in another's name", "update compliance.access_log set actor = null where tenant = 'main' and entry = 3", 3],
  [
    "put at another time",
    "update compliance.access_log set at = at + interval '1 ms' where tenant = 'main' and entry = 1",
    1,
  ],
  ["taken out", "delete from compliance.access_log where tenant = 'main' and entry = 5", 6],
  ["taken out at the beginning", "delete from compliance.access_log where tenant = 'main' and entry = 1", 2],
  [
    "taken out, and those after it moved up",
    `delete from compliance.access_log where tenant = 'main' and entry = 5;
     update compliance.access_log set entry = entry - 1 where tenant = 'main' and entry > 5`,
    5,
  ],
])("an entry that was %s is found", async (_, plant, entry) => {
  await db.database.query("create table compliance.kept as table compliance.access_log");
  await db.database.query(plant);
  const found = await broken();
  await db.database.query(
    `truncate compliance.access_log; insert into compliance.access_log select * from compliance.kept; drop table compliance.kept`,
  );
  expect(found[0]).toMatchObject({ tenant: "main", entry });
});
