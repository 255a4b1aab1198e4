import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cuttableLink } from "../../test/support/cuttableLink.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { destroyed, KeysUnavailable, type SecretStore, type WeekKeys, type WrappedSecrets } from "../ports/secrets.ts";
import { openDatabase } from "../postgres/database.ts";
import { migrate } from "../postgres/migrate.ts";
import { memoryWeekKeys } from "./memoryWeekKeys.ts";
import { keysMigrations } from "./migrations.ts";
import { anythingWrapped, postgresSecretStore } from "./postgresSecretStore.ts";
import { aDay, aPerson, secretStoreContract } from "./secretStoreContract.ts";

let fresh: FreshDatabase;
let weekKeys: WeekKeys;
let store: SecretStore & WrappedSecrets;

beforeAll(async () => {
  fresh = await freshDatabase();
  await migrate(fresh.database, keysMigrations());
  weekKeys = memoryWeekKeys({ now: Date.now });
  store = postgresSecretStore(fresh.database, weekKeys);
});
afterAll(() => fresh.drop());

secretStoreContract("secrets in Postgres", () => store);

describe("secrets in Postgres, besides", () => {
  test("no secret lies in the database in clear", async () => {
    const [secret] = await store.ensure([aPerson()]);
    if (!secret || secret === destroyed) throw new Error("no secret was made");
    const { rows } = await fresh.database.query<{ found: boolean }>(
      "select bool_or(position($1::bytea in wrapped) > 0) as found from keys.secrets",
      [Buffer.from(secret)],
    );
    expect(rows).toEqual([{ found: false }]);
  });

  test("a destroyed secret leaves its name in the ledger and nothing of itself", async () => {
    const name = aDay();
    await store.ensure([name]);
    await store.destroy([name]);
    const { rowCount } = await fresh.database.query("select from keys.secrets where owner = $1", [name.of]);
    const { rows } = await fresh.database.query("select bucket from keys.ledger where owner = $1", [name.of]);
    expect([rowCount, rows]).toEqual([0, [{ bucket: "2026-11-21" }]]);
  });

  test("a day key goes with the last secret that it wraps, and a late one gets a key of its own", async () => {
    const [one, two, late] = ["quiet", "quiet", "quiet"].map((tenant) => aDay("2026-11-21", tenant));
    if (!one || !two || !late) throw new Error("three names");
    const dayKeys = async () =>
      (await fresh.database.query("select wrapped from keys.day_keys where tenant = 'quiet'")).rows;
    await store.ensure([one, two]);
    const before = await dayKeys();
    await store.destroy([one]);
    expect(await dayKeys()).toEqual(before);
    await store.destroy([two]);
    expect(await dayKeys()).toEqual([]);
    const made = await store.ensure([late]);
    expect(await store.get([late, one])).toEqual([...made, destroyed]);
    expect(await dayKeys()).not.toEqual(before);
  });

  test("fifteen thousand secrets are made in a few statements", async () => {
    const counting = { statements: 0 };
    const counted = postgresSecretStore(
      {
        ...fresh.database,
        query: (...call) => {
          counting.statements++;
          return fresh.database.query(...call);
        },
        transaction: (work, mode) =>
          fresh.database.transaction(
            (tx) =>
              work({
                ...tx,
                query: (...call) => {
                  counting.statements++;
                  return tx.query(...call);
                },
              }),
            mode,
          ),
      },
      weekKeys,
    );
    const names = Array.from({ length: 15_000 }, (_, at) => (at % 3 ? aPerson() : aDay(`2026-0${1 + (at % 9)}-01`)));
    const made = await counted.ensure(names);
    expect(made).toHaveLength(15_000);
    expect(counting.statements).toBeLessThan(8);
    expect(await store.get(names)).toEqual(made);
  });

  test("another process that asks for the same names at once, in another order, gets the same secrets", async () => {
    const other = openDatabase(fresh.url, { max: 4 });
    const beside = postgresSecretStore(other, weekKeys);
    for (let round = 0; round < 4; round++) {
      const names = Array.from({ length: 2_000 }, () => (round % 2 ? aPerson() : aDay(`2030-01-${10 + round}`)));
      const [one, two] = await Promise.all([store.ensure(names), beside.ensure(names.toReversed())]);
      expect(two.toReversed()).toEqual(one);
    }
    await other.close();
  });

  test("a first start under load makes its week key without waiting for itself", async () => {
    const named = "loaded";
    const wrapped = anythingWrapped(fresh.database);
    const asking: WeekKeys = {
      ...weekKeys,
      async current(tenant) {
        const known = await weekKeys.list(tenant);
        if (known.length === 0) await wrapped(tenant);
        return weekKeys.current(tenant);
      },
    };
    const loaded = postgresSecretStore(fresh.database, asking);
    const made = await Promise.all(Array.from({ length: 40 }, () => loaded.ensure([aPerson(named), aDay("-", named)])));
    expect(made).toHaveLength(40);
  });

  test("a row that was altered or moved to another name is unavailable, and never passes for erased", async () => {
    const [one, two] = [aPerson(), aPerson()];
    await store.ensure([one, two]);
    await fresh.database.query(
      `update keys.secrets set wrapped = (select wrapped from keys.secrets where owner = $2) where owner = $1`,
      [one.of, two.of],
    );
    await expect(store.get([one])).rejects.toThrow(KeysUnavailable);
    await expect(store.get([one])).rejects.toThrow(one.of);
    await expect(store.ensure([one])).rejects.toThrow(KeysUnavailable);
  });

  test("without its week key everything is unavailable by name, and nothing is made anew", async () => {
    const name = aDay("2027-01-01", "bereft");
    await store.ensure([name]);
    const { rows } = await fresh.database.query("select wrapped from keys.secrets where tenant = 'bereft'");
    for (const { id } of await weekKeys.list("bereft")) await weekKeys.destroy("bereft", id);
    await expect(store.get([name])).rejects.toThrow(/week key .* of bereft is missing/);
    await expect(store.ensure([name])).rejects.toThrow(KeysUnavailable);
    expect((await fresh.database.query("select wrapped from keys.secrets where tenant = 'bereft'")).rows).toEqual(rows);
  });

  test("a store behind a link that hangs is unavailable in the time given, and there again once the link is", async () => {
    const link = await cuttableLink(fresh.url);
    const database = openDatabase(link.url, { max: 2, queryTimeoutMs: 300 });
    const behind = postgresSecretStore(database, weekKeys);
    const name = aPerson();
    const [made] = await Promise.all([behind.ensure([name]), behind.ledger(0)]);
    await link.hangWhile(
      Promise.all([
        expect(behind.get([name])).rejects.toThrow(KeysUnavailable),
        expect(behind.destroy([name])).rejects.toThrow(KeysUnavailable),
      ]),
    );
    expect(await behind.get([name])).toEqual(made);
    await database.close();
    link.close();
  });

  test("a store that is down is unavailable", async () => {
    const down = postgresSecretStore(openDatabase("postgres://nobody@127.0.0.1:1/none"), weekKeys);
    await expect(down.get([aPerson()])).rejects.toThrow(KeysUnavailable);
    await expect(down.ensure([aPerson()])).rejects.toThrow(KeysUnavailable);
    await expect(down.destroy([aPerson()])).rejects.toThrow(KeysUnavailable);
    await expect(down.ledger(0)).rejects.toThrow(KeysUnavailable);
  });
});
