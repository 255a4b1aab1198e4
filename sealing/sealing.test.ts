import { createHmac, randomUUID } from "node:crypto";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { streamId } from "../domain/ids.ts";
import { memorySecretStore } from "../infra/keys/memorySecretStore.ts";
import { KeysUnavailable, type SecretStore } from "../infra/ports/secrets.ts";
import {
  ContentErased,
  ContentTampered,
  createSealing,
  type SealingParts,
  type ToOpen,
  type ToSeal,
} from "./sealing.ts";

const stream = () => streamId("main", "conversation", randomUUID());

const aMessage = (changes: Partial<ToSeal> = {}): ToSeal => ({
  id: randomUUID(),
  type: "MessageSent",
  version: 1,
  stream: stream(),
  subject: randomUUID(),
  bucket: "2026-11-21",
  content: { text: "Scripta manent ✓" },
  ...changes,
});

const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});

/** A store that counts what it is asked, and that can go down. */
function watched(store: SecretStore = memorySecretStore()) {
  const asked = { ensure: 0, get: 0, ledger: 0 };
  const state = { down: false };
  const up = () => {
    if (state.down) throw new KeysUnavailable("the key store is down");
  };
  const secrets: SecretStore = {
    async ensure(names) {
      up();
      asked.ensure++;
      return store.ensure(names);
    },
    async get(names) {
      up();
      asked.get++;
      return store.get(names);
    },
    destroy: (names) => store.destroy(names),
    async ledger(after) {
      up();
      asked.ledger++;
      return store.ledger(after);
    },
  };
  return { secrets, asked, state };
}

function opened(parts: Partial<SealingParts> & Pick<SealingParts, "secrets">) {
  const sealing = createSealing(parts);
  running.push(sealing);
  return sealing;
}

async function sealedIn(sealing: ReturnType<typeof createSealing>, messages: readonly ToSeal[]): Promise<ToOpen[]> {
  const sealed = await sealing.seal(messages);
  return messages.flatMap(({ id, type, version, stream: where }, at) => {
    const content = sealed[at];
    return content ? [{ id, type, version, stream: where, sealed: content }] : [];
  });
}

const subjectOf = ({ subject }: ToSeal) => ({ tenant: "main", of: subject });
const bucketOf = ({ stream: of, bucket }: ToSeal) => ({ tenant: "main", of, bucket });

describe("content", () => {
  test("is opened again by any process, in the order asked", () =>
    fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 8 }), async (contents) => {
        const { secrets } = watched();
        const messages = contents.map((content) => aMessage({ content }));
        const toOpen = await sealedIn(opened({ secrets }), messages);
        // What JSON cannot tell apart (-0) comes back as JSON has it.
        const expected = contents.map((content) => ({
          state: "readable",
          content: JSON.parse(JSON.stringify(content)),
        }));
        expect(await opened({ secrets }).open(toOpen)).toEqual(expected);
      }),
      { numRuns: 50 },
    ));

  test("that is handed out cannot be altered for the next reader", async () => {
    const sealing = opened(watched());
    const content = { text: "as it was" };
    const toOpen = await sealedIn(sealing, [aMessage({ content })]);
    content.text = "altered by the sealer";
    const [first] = await sealing.open(toOpen);
    if (first?.state === "readable") Object.assign(Object(first.content), { text: "altered by a reader" });
    expect(await sealing.open(toOpen)).toEqual([{ state: "readable", content: { text: "as it was" } }]);
  });

  test("sealed twice is never the same bytes twice", async () => {
    const message = aMessage();
    const sealed = await opened(watched()).seal(Array.from({ length: 600 }, () => message));
    expect(new Set(sealed.map(({ nonce }) => Buffer.from(nonce).toString("hex"))).size).toBe(600);
    expect(new Set(sealed.map(({ ciphertext }) => Buffer.from(ciphertext).toString("hex"))).size).toBe(600);
  });

  test("that was altered is refused, and the event is named", async () => {
    const { secrets } = watched();
    const [one] = await sealedIn(opened({ secrets }), [aMessage()]);
    if (!one) throw new Error("nothing was sealed");
    const ciphertext = Buffer.from(one.sealed.ciphertext);
    ciphertext.writeUInt8(ciphertext.readUInt8(0) ^ 1, 0);
    const opening = opened({ secrets }).open([{ ...one, sealed: { ...one.sealed, ciphertext } }]);
    await expect(opening).rejects.toThrow(ContentTampered);
    await expect(opening).rejects.toThrow(one.id);
  });

  test.each<[string, (one: ToOpen, other: ToOpen) => ToOpen]>([
    ["id", (one, other) => ({ ...one, id: other.id })],
    ["type", (one) => ({ ...one, type: "MessageEdited" })],
    ["version", (one) => ({ ...one, version: 2 })],
    ["stream", (one, other) => ({ ...one, stream: other.stream })],
    ["subject", (one, other) => ({ ...one, sealed: { ...one.sealed, subject: other.sealed.subject } })],
    ["bucket", (one, other) => ({ ...one, sealed: { ...one.sealed, bucket: other.sealed.bucket } })],
    ["content", (one, other) => ({ ...one, sealed: other.sealed })],
  ])("does not open under another event's %s, cached or not", async (_, moved) => {
    const { secrets } = watched();
    const sealing = opened({ secrets });
    const [a, b] = [aMessage(), aMessage({ bucket: "2026-11-22" })];
    // All halves exist, so that it is the binding that refuses, and not a key that is missing.
    await sealing.seal([a, b, { ...a, stream: b.stream }, { ...a, subject: b.subject }, { ...a, bucket: b.bucket }]);
    const [one, other] = await sealedIn(sealing, [a, b]);
    if (!one || !other) throw new Error("nothing was sealed");
    await expect(sealing.open([moved(one, other)])).rejects.toThrow(ContentTampered);
    await expect(opened({ secrets }).open([moved(one, other)])).rejects.toThrow(ContentTampered);
  });

  test("sealed again under the same id, since the first append failed, is not confused with the first", async () => {
    const sealing = opened(watched());
    const message = aMessage({ content: { text: "first" } });
    const [first] = await sealedIn(sealing, [message]);
    const [second] = await sealedIn(sealing, [{ ...message, content: { text: "second" } }]);
    if (!first || !second) throw new Error("nothing was sealed");
    expect(await sealing.open([first, second, first])).toEqual(
      ["first", "second", "first"].map((text) => ({ state: "readable", content: { text } })),
    );
  });

  test("is opened by its opening alone, which opens nothing else and is gone with the key", async () => {
    const { secrets } = watched();
    const sealing = opened({ secrets });
    const message = aMessage();
    const [one] = await sealedIn(sealing, [message]);
    if (!one) throw new Error("nothing was sealed");
    expect(await sealing.opening(one)).toHaveLength(64);
    await sealing.destroy([bucketOf(message)]);
    expect(await sealing.opening(one)).toBeUndefined();
  });
});

describe("what is held", () => {
  test("needs nobody to be asked: a second sealing or opening goes to no store", async () => {
    const { secrets, asked } = watched();
    const sealing = opened({ secrets });
    const message = aMessage();
    const toOpen = await sealedIn(sealing, [message]);
    const before = { ...asked };
    await sealing.seal([{ ...message, id: randomUUID() }, message]);
    await sealing.open(toOpen);
    expect(asked).toEqual(before);
  });

  test("is ready within microtasks, before anything else gets its turn", async () => {
    const sealing = opened(watched());
    const messages = [aMessage(), aMessage()];
    const toOpen = await sealedIn(sealing, messages);
    let turns = 0;
    setImmediate(() => turns++);
    await sealing.seal(messages);
    await sealing.open(toOpen);
    expect(turns).toBe(0);
  });

  test("is bounded, and what was dropped is fetched again", async () => {
    const { secrets } = watched();
    const sealing = opened({ secrets, sizes: { secrets: 4, contentKeys: 2, opened: 3, openedBytes: 5_000 } });
    const messages = Array.from({ length: 50 }, (_, at) => aMessage({ content: { text: `message ${at}` } }));
    const toOpen = await sealedIn(sealing, messages);
    const readable = messages.map(({ content }) => ({ state: "readable", content }));
    expect(await sealing.open(toOpen)).toEqual(readable);
    expect(sealing.held()).toMatchObject({ keys: 6, opened: 3 });
    const long = aMessage({ content: { text: "x".repeat(10_000) } });
    expect(await sealing.open(await sealedIn(sealing, [long]))).toEqual([{ state: "readable", content: long.content }]);
    expect(sealing.held().openedBytes).toBeLessThanOrEqual(5_000);
  });
});

describe("an erasure", () => {
  test.each([
    ["a person", subjectOf],
    ["a day of a conversation", bucketOf],
  ])("of %s is effective at once in its own process, whatever was held", async (_, which) => {
    const sealing = opened(watched());
    const [gone, other] = [aMessage(), aMessage()];
    const toOpen = await sealedIn(sealing, [gone, other]);
    await sealing.destroy([which(gone)]);
    expect(await sealing.open(toOpen)).toEqual([{ state: "erased" }, { state: "readable", content: other.content }]);
    await expect(sealing.seal([other, gone])).rejects.toThrow(ContentErased);
    expect(await sealing.hashUnder(gone, Buffer.from("payload"))).toBeUndefined();
  });

  test("is effective in every other process five seconds later, without a restart", async () => {
    const { secrets } = watched();
    const clock = { ms: 0 };
    const [eraser, other] = [opened({ secrets }), opened({ secrets, steadyNow: () => clock.ms })];
    const message = aMessage();
    const toOpen = await sealedIn(eraser, [message]);
    expect(await other.open(toOpen)).toEqual([{ state: "readable", content: message.content }]);
    await eraser.destroy([subjectOf(message)]);
    clock.ms = 5_000;
    expect(await other.open(toOpen)).toEqual([{ state: "erased" }]);
    await expect(other.seal([message])).rejects.toThrow(ContentErased);
  });

  test("reaches other processes by itself once they were started", async () => {
    const { secrets } = watched();
    const [eraser, other] = [opened({ secrets }), opened({ secrets, ledger: { pollMs: 5 } })];
    await other.start();
    const message = aMessage();
    const toOpen = await sealedIn(eraser, [message]);
    expect(await other.open(toOpen)).toMatchObject([{ state: "readable" }]);
    await eraser.destroy([bucketOf(message)]);
    await expect.poll(() => other.open(toOpen), { timeout: 2_000 }).toEqual([{ state: "erased" }]);
  });

  test("that comes while a key is being fetched is not undone by that fetch", async () => {
    const { secrets } = watched();
    const message = aMessage();
    const toOpen = await sealedIn(opened({ secrets }), [message]);
    const gate = Promise.withResolvers<void>();
    const fetching = Promise.withResolvers<void>();
    const slow = opened({
      secrets: {
        ...secrets,
        async get(names) {
          const found = await secrets.get(names);
          fetching.resolve();
          await gate.promise;
          return found;
        },
      },
    });
    const opening = slow.open(toOpen);
    await fetching.promise;
    await slow.destroy([subjectOf(message)]);
    gate.resolve();
    expect(await opening).toEqual([{ state: "erased" }]);
    expect(await slow.open(toOpen)).toEqual([{ state: "erased" }]);
  });
});

describe("a key store that is down", () => {
  test("is never taken for an erasure", async () => {
    const { secrets, state } = watched();
    const toOpen = await sealedIn(opened({ secrets }), [aMessage()]);
    const other = opened({ secrets });
    state.down = true;
    await expect(other.open(toOpen)).rejects.toThrow(KeysUnavailable);
    await expect(other.seal([aMessage()])).rejects.toThrow(KeysUnavailable);
    await expect(other.hashUnder(aMessage(), Buffer.from("payload"))).rejects.toThrow(KeysUnavailable);
    await expect(other.lookupHash("main", "username", "ada")).rejects.toThrow(KeysUnavailable);
    state.down = false;
    expect(await other.open(toOpen)).toMatchObject([{ state: "readable" }]);
  });

  test("is not noticed for five seconds where all is held, then nothing is opened or sealed until it answers", async () => {
    const { secrets, state } = watched();
    const clock = { ms: 0 };
    const sealing = opened({ secrets, steadyNow: () => clock.ms });
    const message = aMessage();
    const toOpen = await sealedIn(sealing, [message]);
    state.down = true;
    clock.ms = 4_999;
    expect(await sealing.open(toOpen)).toMatchObject([{ state: "readable" }]);
    clock.ms = 5_000;
    await expect(sealing.open(toOpen)).rejects.toThrow(KeysUnavailable);
    await expect(sealing.seal([message])).rejects.toThrow(KeysUnavailable);
    state.down = false;
    expect(await sealing.open(toOpen)).toMatchObject([{ state: "readable" }]);
  });

  test("and one that hangs is unavailable, too, and asked again later", async () => {
    const { secrets } = watched();
    const clock = { ms: 0 };
    const state = { hangs: false };
    const sealing = opened({
      secrets: { ...secrets, ledger: (after) => (state.hangs ? new Promise(() => undefined) : secrets.ledger(after)) },
      steadyNow: () => clock.ms,
      ledger: { holdsMs: 20 },
    });
    const toOpen = await sealedIn(sealing, [aMessage()]);
    state.hangs = true;
    clock.ms = 20;
    await expect(sealing.open(toOpen)).rejects.toThrow("the erasure ledger did not answer within 20 ms");
    state.hangs = false;
    expect(await sealing.open(toOpen)).toMatchObject([{ state: "readable" }]);
  });

  test("keeps a start from succeeding, by name", async () => {
    const { secrets, state } = watched();
    state.down = true;
    await expect(opened({ secrets }).start()).rejects.toThrow(KeysUnavailable);
  });

  test("a secret that must be there and is not makes content unavailable, not erased", async () => {
    const toOpen = await sealedIn(opened(watched()), [aMessage()]);
    await expect(opened(watched()).open(toOpen)).rejects.toThrow(KeysUnavailable);
  });

  test("a ledger that went back, since an old backup was restored, stops everything by name", async () => {
    const [now, restored] = [memorySecretStore(), memorySecretStore()];
    const message = aMessage();
    const clock = { ms: 0 };
    const state = { restored: false };
    const sealing = opened({
      secrets: { ...now, ledger: (after) => (state.restored ? restored : now).ledger(after) },
      steadyNow: () => clock.ms,
    });
    const toOpen = await sealedIn(sealing, [message]);
    await sealing.destroy([subjectOf(aMessage())]);
    clock.ms = 5_000;
    await sealing.open(toOpen);
    state.restored = true;
    clock.ms = 10_000;
    await expect(sealing.open(toOpen)).rejects.toThrow("the erasure ledger went back from 1 to 0");
  });
});

describe("keyed hashes", () => {
  test("under a content key are the same for every process, and forgotten with the key", async () => {
    const { secrets } = watched();
    const [one, other] = [opened({ secrets }), opened({ secrets })];
    const message = aMessage();
    const hash = await one.hashUnder(message, Buffer.from("payload"));
    expect(hash).toHaveLength(32);
    expect(await other.hashUnder(message, Buffer.from("payload"))).toEqual(hash);
    expect(await one.hashUnder(message, Buffer.from("other"))).not.toEqual(hash);
    expect(await one.hashUnder({ ...message, bucket: "-" }, Buffer.from("payload"))).not.toEqual(hash);
  });

  test("of a user name are found again, differ between tenants, and need the tenant's key", async () => {
    const { secrets } = watched();
    const [one, other] = [opened({ secrets }), opened({ secrets })];
    const hash = await one.lookupHash("main", "username", "ada");
    expect(await other.lookupHash("main", "username", "ada")).toEqual(hash);
    expect(await one.lookupHash("main", "username", "bob")).not.toEqual(hash);
    expect(await one.lookupHash("other", "username", "ada")).not.toEqual(hash);
    const key = await one.tenantKey("main", "username");
    expect(createHmac("sha256", key).update("ada").digest()).toEqual(hash);
  });

  test("a tenant's keys are one a purpose, and gone when they were destroyed", async () => {
    const { secrets } = watched();
    const [one, other] = [opened({ secrets }), opened({ secrets })];
    const [tag, salt] = [await one.tenantKey("main", "tag"), await one.tenantKey("main", "salt")];
    expect(tag).not.toEqual(salt);
    expect(await other.tenantKey("main", "tag")).toEqual(tag);
    await one.destroy([{ tenant: "main", of: "tag-key" }]);
    await expect(one.tenantKey("main", "tag")).rejects.toThrow(ContentErased);
  });
});
