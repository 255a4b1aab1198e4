import { afterEach, beforeEach, expect, test } from "vitest";
import { memoryWeekKeys } from "../infra/keys/memoryWeekKeys.ts";
import { keysMigrations } from "../infra/keys/migrations.ts";
import { postgresSecretStore } from "../infra/keys/postgresSecretStore.ts";
import { aDay, aPerson } from "../infra/keys/secretStoreContract.ts";
import { destroyed, KeysUnavailable, type WeekKeys } from "../infra/ports/secrets.ts";
import { migrate } from "../infra/postgres/migrate.ts";
import { type FreshDatabase, freshDatabase } from "../test/support/postgres.ts";
import { changeWeekKeys } from "./weeklyKeyChange.ts";

const DAY_MS = 86_400_000;
let fresh: FreshDatabase;
let now: number;
let weekKeys: WeekKeys;
const clock = { now: () => now };
const store = () => postgresSecretStore(fresh.database, weekKeys);
const change = () => changeWeekKeys({ weekKeys, secrets: store(), clock });

beforeEach(async () => {
  fresh = await freshDatabase();
  await migrate(fresh.database, keysMigrations());
  now = Date.parse("2026-11-21T10:00:00Z");
  weekKeys = memoryWeekKeys(clock);
});
afterEach(() => fresh.drop());

/** Every day once, as the timer does. */
async function pass(days: number) {
  for (let day = 0; day < days; day++) {
    now += DAY_MS;
    await change();
  }
}

test("nothing changes while the key is young", async () => {
  await store().ensure([aPerson(), aDay()]);
  now += 5 * DAY_MS;
  expect(await change()).toEqual([{ tenant: "main", rewrapped: 0, destroyed: [] }]);
  expect(await weekKeys.list("main")).toHaveLength(1);
});

test("what lives is read as before, week after week, and no more than two or three keys are kept", async () => {
  const names = [aPerson(), aPerson("other"), aDay(), aDay("-"), aDay("2026-11-21", "other")];
  const made = await store().ensure(names);
  const [first] = await weekKeys.list("main");
  await pass(60);
  expect(await store().get(names)).toEqual(made);
  for (const tenant of ["main", "other"]) expect((await weekKeys.list(tenant)).length).toBeLessThanOrEqual(3);
  expect((await weekKeys.list("main")).map(({ id }) => id)).not.toContain(first?.id);
});

test("fourteen days after an erasure no old copy of the keys gives the secret back", async () => {
  const [erased, living] = [aPerson(), aPerson()];
  await store().ensure([erased, living, aDay()]);
  const dump = async () => ({
    secrets: (await fresh.database.query("select * from keys.secrets")).rows,
    dayKeys: (await fresh.database.query("select * from keys.day_keys")).rows,
  });
  await pass(4);
  const old = await dump();
  const ids = (await weekKeys.list("main")).map(({ id }) => id);
  await store().destroy([erased]);
  await pass(14);

  for (const id of ids) await expect(weekKeys.get("main", id)).rejects.toThrow(KeysUnavailable);
  // The worst case: the old tables come back, and the ledger that forbids their use is not asked.
  await fresh.database.query("truncate keys.secrets, keys.day_keys, keys.ledger");
  await fresh.database.query("insert into keys.secrets select * from json_populate_recordset(null::keys.secrets, $1)", [
    JSON.stringify(old.secrets, (_, value) =>
      value?.type === "Buffer" ? `\\x${Buffer.from(value.data).toString("hex")}` : value,
    ),
  ]);
  expect(old.secrets).toHaveLength(3);
  await expect(store().get([erased])).rejects.toThrow(KeysUnavailable);
  await expect(store().get([living])).rejects.toThrow(KeysUnavailable);
});

test("a change that was killed half way is finished by the next, and two at once do no harm", async () => {
  const names = Array.from({ length: 4_500 }, (_, at) => (at % 2 ? aPerson() : aDay(`2026-01-${10 + (at % 18)}`)));
  const made = await store().ensure(names);
  now += 7 * DAY_MS;
  await weekKeys.rotate("main");
  await store().rewrap("main");
  const changes = await Promise.all([change(), change()]);
  expect(changes.flat().reduce((sum, { rewrapped }) => sum + rewrapped, 0)).toBeGreaterThan(0);
  expect(await store().rewrap("main")).toBe(0);
  expect(await store().get(names)).toEqual(made);
  expect(await weekKeys.list("main")).toHaveLength(2);
});

test("a secret made by another process in the middle of a change is not lost with the old key", async () => {
  await store().ensure([aPerson()]);
  const names = Array.from({ length: 60 }, (_, at) => (at % 2 ? aPerson() : aDay(`2026-02-${10 + (at % 18)}`)));
  const made = [];
  for (const [at, name] of names.entries()) {
    if (at % 4 === 0) now += DAY_MS;
    const [, secrets] = await Promise.all([change(), store().ensure([name])]);
    made.push(...secrets);
  }
  expect(await store().get(names)).toEqual(made);
});

test("an old key is not destroyed while a secret is just being wrapped under it", async () => {
  await store().ensure([aPerson()]);
  const [gate, inside] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let calls = 0;
  const slow = postgresSecretStore(fresh.database, {
    ...weekKeys,
    async current(tenant) {
      const key = await weekKeys.current(tenant);
      // The second time it is asked for, the secret is about to be written.
      if (++calls === 2) {
        inside.resolve();
        await gate.promise;
      }
      return key;
    },
  });
  const person = aPerson();
  const making = slow.ensure([person]);
  await inside.promise;
  await weekKeys.rotate("main");
  now += 30 * DAY_MS;
  const state = { changed: false };
  const changing = change().finally(() => {
    state.changed = true;
  });
  await expect
    .poll(
      async () =>
        state.changed ||
        (
          await fresh.database.query(
            "select from pg_stat_activity where wait_event = 'advisory' and datname = current_database()",
          )
        ).rowCount > 0,
    )
    .toBe(true);
  gate.resolve();
  const [made] = await Promise.all([making, changing]);
  await change();
  expect(await store().get([person])).toEqual(made);
});

test("an old key that still wraps something is not destroyed", async () => {
  const person = aPerson();
  const made = await store().ensure([person]);
  now += 7 * DAY_MS;
  await weekKeys.rotate("main");
  now += 30 * DAY_MS;
  const stuck = { ...store(), rewrap: async () => 0 };
  expect(await changeWeekKeys({ weekKeys, secrets: stuck, clock })).toEqual([
    { tenant: "main", rewrapped: 0, destroyed: [] },
  ]);
  expect(await store().get([person])).toEqual(made);
});

test("a change that meets a missing key stops by name, and overwrites nothing", async () => {
  await store().ensure([aPerson()]);
  const before = (await fresh.database.query("select * from keys.secrets")).rows;
  const [first] = await weekKeys.list("main");
  now += 7 * DAY_MS;
  await weekKeys.rotate("main");
  await weekKeys.destroy("main", first?.id ?? "");
  await expect(change()).rejects.toThrow(KeysUnavailable);
  expect((await fresh.database.query("select * from keys.secrets")).rows).toEqual(before);
});

test("what was destroyed stays destroyed across a change", async () => {
  const person = aPerson();
  await store().ensure([person, aDay()]);
  await store().destroy([person]);
  await pass(20);
  expect(await store().get([person])).toEqual([destroyed]);
});
