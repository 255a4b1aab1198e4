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
const snapshot = { revision: 7, stateVersion: 1, state: '{"lastSeq":3}' };

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
  const ofNewShape = { revision: 2, stateVersion: 2, state: "{}" };
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
  await before.save(stream, { ...snapshot, revision: 91, stateVersion: 2 });
  expect(await now.load(stream)).toEqual(snapshot);
});

test("a snapshot that was altered is none", async () => {
  const snapshots = postgresSnapshots(fresh.database, 1);
  const stream = aStream();
  await snapshots.save(stream, snapshot);
  await fresh.database.query("update ops.snapshots set revision = 8 where stream = $1", [stream]);
  expect(await snapshots.load(stream)).toBeUndefined();
});
