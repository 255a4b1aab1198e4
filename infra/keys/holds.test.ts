import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type StreamId, streamId } from "../../domain/ids.ts";
import { contentKey } from "../../sealing/contentKey.ts";
import { changeWeekKeys } from "../../sealing/weeklyKeyChange.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { AuthorsNeeded, type Hold } from "../ports/holds.ts";
import { destroyed, KeysUnavailable, type SecretName } from "../ports/secrets.ts";
import { migrate } from "../postgres/migrate.ts";
import { memoryWeekKeys } from "./memoryWeekKeys.ts";
import { keysMigrations } from "./migrations.ts";
import { postgresSecretStore } from "./postgresSecretStore.ts";

let fresh: FreshDatabase;
let store: ReturnType<typeof postgresSecretStore>;
const clock = { ms: Date.parse("2026-11-22T05:00:00Z"), now: () => clock.ms };
const weekKeys = memoryWeekKeys(clock);

beforeAll(async () => {
  fresh = await freshDatabase();
  await migrate(fresh.database, keysMigrations());
  store = postgresSecretStore(fresh.database, weekKeys);
});
afterAll(() => fresh.drop());

const tenant = "main";
const [MONDAY, TUESDAY, WEDNESDAY] = ["2026-11-16", "2026-11-17", "2026-11-18"] as const;
const aConversation = () => {
  const id = randomUUID();
  return { id, stream: streamId(tenant, "conversation", id) };
};
const day = (stream: StreamId, bucket: string): SecretName => ({ tenant, of: stream, bucket });
const person = (userId: string): SecretName => ({ tenant, of: userId });

async function secret(name: SecretName): Promise<Uint8Array> {
  const [made] = await store.ensure([name]);
  if (made === undefined || made === destroyed) throw new Error("it is destroyed");
  return made;
}
/** The content key as whoever seals has it. */
const keyOf = async (userId: string, stream: StreamId, bucket: string) =>
  contentKey(await secret(person(userId)), await secret(day(stream, bucket)), {
    stream,
    subject: userId,
    bucket,
  }).export();
const held = async (userId: string, stream: StreamId, bucket: string) => {
  const [key] = await store.heldKeys(tenant, [{ stream, subject: userId, bucket }]);
  return key && Buffer.from(key);
};
async function placed(scope: Partial<Hold>): Promise<string> {
  const holdId = randomUUID();
  const nothing = { conversationId: null, userId: null, fromDay: null, toDay: null };
  await store.place({ tenant, holdId, ...nothing, ...scope });
  return holdId;
}

test("what an erased person wrote in a held conversation stays open to the hold, and nothing else", async () => {
  const [one, other] = [aConversation(), aConversation()];
  const [ada, bo] = [randomUUID(), randomUUID()];
  const keys = [await keyOf(ada, one.stream, MONDAY), await keyOf(ada, one.stream, TUESDAY)];
  await keyOf(ada, other.stream, MONDAY);
  await keyOf(bo, one.stream, MONDAY);
  const holdId = await placed({ conversationId: one.id });
  expect(await held(ada, one.stream, MONDAY)).toBeUndefined();
  await store.destroy([person(ada)]);
  expect(await store.get([person(ada)])).toEqual([destroyed]);
  expect([await held(ada, one.stream, MONDAY), await held(ada, one.stream, TUESDAY)]).toEqual(keys);
  expect(await held(ada, other.stream, MONDAY)).toBeUndefined();
  expect(await held(bo, one.stream, MONDAY)).toBeUndefined();
  await store.lift(tenant, holdId);
  expect(await held(ada, one.stream, MONDAY)).toBeUndefined();
  expect((await fresh.database.query("select from keys.held_keys where hold_id = $1", [holdId])).rowCount).toBe(0);
});

test("a hold keeps the days of its scope alone", async () => {
  const { id, stream } = aConversation();
  const ada = randomUUID();
  const keys = new Map<string, Buffer>();
  for (const bucket of [MONDAY, TUESDAY, WEDNESDAY]) keys.set(bucket, await keyOf(ada, stream, bucket));
  await placed({ conversationId: id, userId: ada, fromDay: TUESDAY, toDay: TUESDAY });
  await store.destroy([person(ada)]);
  expect(await held(ada, stream, TUESDAY)).toEqual(keys.get(TUESDAY));
  expect([await held(ada, stream, MONDAY), await held(ada, stream, WEDNESDAY)]).toEqual([undefined, undefined]);
});

test("a hold on a person keeps what that person wrote anywhere, the profile too, and nobody else's", async () => {
  const { stream } = aConversation();
  const [ada, bo] = [randomUUID(), randomUUID()];
  const profile = streamId(tenant, "user", ada);
  const keys = [await keyOf(ada, stream, MONDAY), await keyOf(ada, profile, "-")];
  await keyOf(bo, stream, MONDAY);
  await placed({ userId: ada });
  await store.destroy([person(ada), person(bo)]);
  expect([await held(ada, stream, MONDAY), await held(ada, profile, "-")]).toEqual(keys);
  expect(await held(bo, stream, MONDAY)).toBeUndefined();
});

test("when a day of a held conversation is retired, each author's key of it is kept, and one must be told who wrote", async () => {
  const { id, stream } = aConversation();
  const [ada, bo, cy] = [randomUUID(), randomUUID(), randomUUID()];
  const keys = [await keyOf(ada, stream, MONDAY), await keyOf(bo, stream, MONDAY)];
  await secret(person(cy));
  await placed({ conversationId: id });
  await expect(store.destroy([day(stream, MONDAY)])).rejects.toThrow(AuthorsNeeded);
  expect(await store.get([day(stream, MONDAY)])).not.toEqual([destroyed]);
  await store.destroy([day(stream, MONDAY)], [ada, bo]);
  expect(await store.get([day(stream, MONDAY)])).toEqual([destroyed]);
  expect([await held(ada, stream, MONDAY), await held(bo, stream, MONDAY)]).toEqual(keys);
  expect(await held(cy, stream, MONDAY)).toBeUndefined();
  // The other half goes later: what is kept stays.
  await store.destroy([person(ada)]);
  expect(await held(ada, stream, MONDAY)).toEqual(keys[0]);
});

test("a conversation's name that is redacted under a hold is kept for it", async () => {
  const { id, stream } = aConversation();
  const name = await keyOf(id, stream, "-");
  await placed({ conversationId: id });
  await store.destroy([person(id)]);
  expect(await held(id, stream, "-")).toEqual(name);
});

test("a person whose words a hold covers is not destroyed but where that is asked for", async () => {
  const [one, other] = [aConversation(), aConversation()];
  const ada = randomUUID();
  await keyOf(ada, one.stream, MONDAY);
  const holdId = await placed({ conversationId: one.id });
  expect(await store.destroyUnlessHeld(tenant, ada, [one.stream])).toEqual([holdId]);
  expect(await store.get([person(ada)])).not.toEqual([destroyed]);
  // Of conversations where this person never wrote no hold is in the way.
  expect(await store.destroyUnlessHeld(tenant, ada, [other.stream])).toEqual([]);
  expect(await store.get([person(ada)])).toEqual([destroyed]);
});

test("a hold outlives the week key that it was placed under", async () => {
  const { id, stream } = aConversation();
  const [ada, bo] = [randomUUID(), randomUUID()];
  const keys = [await keyOf(ada, stream, MONDAY), await keyOf(bo, stream, MONDAY)];
  await placed({ conversationId: id });
  await store.destroy([person(ada)]);
  for (let week = 0; week < 3; week++) {
    clock.ms += 7 * 86_400_000;
    await changeWeekKeys({ weekKeys, secrets: store, clock });
  }
  expect(await weekKeys.list(tenant)).toHaveLength(2);
  await store.destroy([person(bo)]);
  expect([await held(ada, stream, MONDAY), await held(bo, stream, MONDAY)]).toEqual(keys);
});

test("a hold that comes while a person is erased keeps all of its scope or nothing", async () => {
  for (let round = 0; round < 12; round++) {
    const { id, stream } = aConversation();
    const ada = randomUUID();
    const days = [MONDAY, TUESDAY, WEDNESDAY];
    const keys = await Promise.all(days.map((bucket) => keyOf(ada, stream, bucket)));
    const [over] = await Promise.all([
      store.destroyUnlessHeld(tenant, ada, [stream]),
      placed({ conversationId: id }),
      // A secret that is made meanwhile.
      store.ensure([day(stream, "2026-11-19")]),
    ]);
    const [there] = await store.get([person(ada)]);
    expect(there === destroyed).toBe(over.length === 0);
    if (over.length === 0) {
      expect(await Promise.all(days.map((bucket) => held(ada, stream, bucket)))).toEqual(days.map(() => undefined));
      continue;
    }
    await store.destroy([person(ada)]);
    expect(await Promise.all(days.map((bucket) => held(ada, stream, bucket)))).toEqual(keys);
  }
});

test("an altered hold destroys nothing and opens nothing: it is named", async () => {
  const { id, stream } = aConversation();
  const ada = randomUUID();
  await keyOf(ada, stream, MONDAY);
  const holdId = await placed({ conversationId: id });
  const flip = "update keys.holds set wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1) where hold_id = $1";
  await fresh.database.query(flip, [holdId]);
  await expect(store.destroy([person(ada)])).rejects.toThrow(KeysUnavailable);
  await expect(store.destroy([person(ada)])).rejects.toThrow(holdId);
  expect(await store.get([person(ada)])).not.toEqual([destroyed]);
  await fresh.database.query(flip, [holdId]);
  await store.destroy([person(ada)]);
  await fresh.database.query(flip, [holdId]);
  await expect(held(ada, stream, MONDAY)).rejects.toThrow(holdId);
  await store.lift(tenant, holdId);
});
