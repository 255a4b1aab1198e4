import { afterAll, beforeAll, expect, test } from "vitest";
import { streamId } from "../../domain/ids.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { migrate } from "../postgres/migrate.ts";
import { postgresSnapshots, snapshotMigrations } from "./postgresSnapshots.ts";

let fresh: FreshDatabase;
beforeAll(async () => {
  fresh = await freshDatabase();
  await migrate(fresh.database, snapshotMigrations);
});
afterAll(() => fresh.drop());

const aStream = () => streamId("main", "conversation", crypto.randomUUID());
const snapshot = { revision: 7, madeBy: "1 a", parts: ['{"lastSeq":3}', '{"members":[]}'] };

test("a snapshot is given back as it was kept, and only a newer one takes its place", async () => {
  const snapshots = postgresSnapshots(fresh.database, 1);
  const stream = aStream();
  expect(await snapshots.load(stream)).toBeUndefined();
  await snapshots.save(stream, snapshot);
  await snapshots.save(stream, { ...snapshot, revision: 5 });
  expect(await snapshots.load(stream)).toEqual(snapshot);
  const newer = { ...snapshot, revision: 9 };
  await snapshots.save(stream, newer);
  expect(await snapshots.load(stream)).toEqual(newer);
  const ofNewShape = { revision: 2, madeBy: "1 b", parts: ["{}"] };
  await snapshots.save(stream, ofNewShape);
  expect(await snapshots.load(stream)).toEqual(ofNewShape);
});

test("a snapshot of another epoch of the log is none, and gives way to one of this", async () => {
  const [before, now] = [postgresSnapshots(fresh.database, 1), postgresSnapshots(fresh.database, 2)];
  const stream = aStream();
  await before.save(stream, { ...snapshot, revision: 90 });
  expect(await now.load(stream)).toBeUndefined();
  await now.save(stream, snapshot);
  expect(await now.load(stream)).toEqual(snapshot);
  // A process that does not know yet that the epoch was raised.
  await before.save(stream, { ...snapshot, revision: 91, madeBy: "2 a" });
  expect(await now.load(stream)).toEqual(snapshot);
});

test.each([
  ["revision", "update ops.snapshots set revision = 8 where stream = $1 and part = 0"],
  ["author", "update ops.snapshots set made_by = '9 a' where stream = $1 and part = 0"],
  ["state", "update ops.snapshots set state = replace(state, '3', '4') where stream = $1 and part = 0"],
  ["second part", "update ops.snapshots set state = '{}' where stream = $1 and part = 1"],
  ["number of parts", "delete from ops.snapshots where stream = $1 and part = 1"],
])("a snapshot whose %s was altered is none, and gives way to a right one of the same revision", async (_, alter) => {
  const snapshots = postgresSnapshots(fresh.database, 1);
  const stream = aStream();
  await snapshots.save(stream, snapshot);
  expect((await fresh.database.query(alter, [stream])).rowCount).toBe(1);
  expect(await snapshots.load(stream)).toBeUndefined();
  await snapshots.save(stream, snapshot);
  expect(await snapshots.load(stream)).toEqual(snapshot);
});

test("a large state lies in many rows, and a small one after it leaves none of them", async () => {
  const snapshots = postgresSnapshots(fresh.database, 1);
  const stream = aStream();
  const large = {
    ...snapshot,
    parts: Array.from({ length: 60 }, (_, n) => JSON.stringify({ members: [[`${n}`, n]] })),
  };
  await snapshots.save(stream, large);
  expect(await snapshots.load(stream)).toEqual(large);
  await snapshots.save(stream, { ...snapshot, revision: 8 });
  expect(await snapshots.load(stream)).toEqual({ ...snapshot, revision: 8 });
  await snapshots.drop(stream);
  expect(await snapshots.load(stream)).toBeUndefined();
  expect((await fresh.database.query("select from ops.snapshots where stream = $1", [stream])).rowCount).toBe(0);
});
