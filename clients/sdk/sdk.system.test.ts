import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { startServer, type TestServer } from "../../test/support/server.ts";
import { act } from "../terminal/act.ts";
import { parseInput } from "../terminal/input.ts";
import { memoryStorage, messagesOf, ScriptaClient, type Storage, uuidV7 } from "./index.ts";
import { commandRoutes } from "./routes.ts";
import { plainOf } from "./stored.ts";

let folder: string;
let server: TestServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-sdk-"));
  server = await startServer({ SCRIPTA_DATA: folder });
}, 90_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}, 60_000);

const clients: ScriptaClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
});

const password = "correct horse battery";
let people = 0;

async function person(displayName: string) {
  const username = `${displayName.toLowerCase()}-${++people}`;
  const { userId } = await ScriptaClient.register({ url: server.url, username, password, displayName });
  const device = async (name: string, storage: Storage = memoryStorage()) => {
    const device = { name, platform: "test" };
    const client = await ScriptaClient.login({ url: server.url, username, password, device, storage });
    clients.push(client);
    await client.connect();
    return client;
  };
  return { userId, username, device };
}

/** Ada and Bo in a group, on two devices each. */
async function twoInAGroup() {
  const [ada, bo] = [await person("Ada"), await person("Bo")];
  const adas = [await ada.device("phone"), await ada.device("laptop")] as const;
  const bos = [await bo.device("phone"), await bo.device("laptop")] as const;
  const tea = await adas[0].group("Tea", [bo.userId]);
  const devices = [...adas, ...bos];
  await Promise.all(devices.map((device) => device.until(() => device.conversation(tea) !== undefined)));
  return { ada, bo, adas, bos, devices, tea };
}

const texts = (client: ScriptaClient, conversationId: string) =>
  client.messages(conversationId).map(({ text }) => text);
const has = (client: ScriptaClient, conversationId: string, text: string) =>
  client.until(() => texts(client, conversationId).includes(text));
const numbers = (client: ScriptaClient, conversationId: string) => {
  const conversation = client.conversation(conversationId)?.conversation;
  return conversation && { unread: conversation.unread, mentions: conversation.mentions, read: conversation.read };
};

describe("two people on two devices each", () => {
  test("every device gets each message once, in one order, the sending one too", async () => {
    const { adas, bos, devices, tea } = await twoInAGroup();
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? adas[index % 4 === 1 ? 0 : 1] : bos[0]).send(tea, `text ${index}`),
      ),
    );
    await Promise.all(devices.map((device) => device.until(() => device.messages(tea).length === 20)));
    const [first] = devices;
    for (const device of devices) {
      expect(device.messages(tea).map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
      expect(texts(device, tea)).toEqual(texts(first ?? adas[0], tea));
    }
  });

  test("unread numbers are the same on both devices, and fall on both when one reads", async () => {
    const { ada, adas, bos, tea } = await twoInAGroup();
    await bos[0].send(tea, "one");
    await bos[0].send(tea, "two, Ada", { mentions: [ada.userId] });
    for (const device of adas) {
      await device.until(() => numbers(device, tea)?.unread === 2);
      expect(numbers(device, tea)).toEqual({ unread: 2, mentions: 1, read: 0 });
    }
    await adas[0].markRead(tea);
    for (const device of adas) {
      await device.until(() => numbers(device, tea)?.unread === 0);
      await device.until(() => numbers(device, tea)?.read === 2);
      expect(numbers(device, tea)).toEqual({ unread: 0, mentions: 0, read: 2 });
    }
    // Whoever wrote it sees that it was read.
    for (const device of bos) {
      await device.until(() => device.conversation(tea)?.marks.get(ada.userId)?.read === 2);
    }
  });

  test("delivered marks go out by themselves, once a device has stored a message", async () => {
    const { bo, adas, tea } = await twoInAGroup();
    await adas[0].send(tea, "hello");
    await adas[1].until(() => (adas[1].conversation(tea)?.marks.get(bo.userId)?.delivered ?? 0) === 1);
    expect(adas[1].conversation(tea)?.marks.get(bo.userId)).toEqual({ delivered: 1, read: 0 });
  });

  test("what asks to be acknowledged is, by a line in the terminal, which tells who has and who not yet", async () => {
    const { adas, bos, tea } = await twoInAGroup();
    const line = (device: ScriptaClient, text: string) => act(device, tea, parseInput(text));
    expect(await line(bos[0], "/ack")).toEqual({ notice: ["nothing here asks to be acknowledged"] });
    const ackBy = new Date(Date.now() + 3_600_000).toISOString();
    const { messageId, seq } = await adas[0].send(tea, "read this", { ackBy });
    await bos[0].until(() => bos[0].conversation(tea)?.messages.has(messageId) === true);
    expect((await line(bos[0], "/acks")).notice).toEqual([`#${seq} acknowledged by nobody`, "not yet: Bo"]);
    expect(await line(bos[0], "/ack")).toEqual({ notice: [`acknowledged #${seq}`] });
    const count = () => adas[1].conversation(tea)?.messages.get(messageId)?.acknowledgement?.count;
    await adas[1].until(() => count() === 1);
    expect((await line(adas[1], `/acks #${seq}`)).notice).toEqual([
      expect.stringMatching(new RegExp(`^#${seq} acknowledged by Bo \\d\\d:\\d\\d$`)),
      "nobody is missing",
    ]);
  });

  test("edits, reactions and deletions come to every device", async () => {
    const { bo, adas, bos, devices, tea } = await twoInAGroup();
    const { messageId } = await adas[0].send(tea, "at five");
    const other = await adas[0].send(tea, "never mind");
    await adas[1].edit(tea, messageId, "at six");
    await bos[0].react(tea, messageId, "👍");
    await adas[0].delete(tea, other.messageId);
    for (const device of devices) {
      const message = () => device.conversation(tea)?.messages.get(messageId);
      await device.until(() => message()?.text === "at six" && message()?.reactions.length === 1);
      expect(message()).toMatchObject({ reactions: [{ emoji: "👍", count: 1, userIds: [bo.userId] }] });
      expect(message()?.editedAt).not.toBeNull();
      await device.until(() => device.conversation(tea)?.messages.get(other.messageId)?.deleted === true);
      expect(device.conversation(tea)?.messages.get(other.messageId)).toMatchObject({ text: null });
    }
    await bos[1].unreact(tea, messageId, "👍");
    await adas[0].until(() => adas[0].conversation(tea)?.messages.get(messageId)?.reactions.length === 0);
    await bos[0].until(() => numbers(bos[0], tea)?.unread === 1);
  });

  test("typing is seen by the others, and ends with the message", async () => {
    const { ada, adas, bos, tea } = await twoInAGroup();
    const seen: (readonly string[])[] = [];
    bos[0].on("typing", ({ userIds }) => seen.push(userIds));
    adas[0].startTyping(tea);
    await expect.poll(() => seen.at(-1)).toEqual([ada.userId]);
    await adas[0].send(tea, "hello");
    await expect.poll(() => seen.at(-1)).toEqual([]);
  });

  test("presence of people one watches is told, and that they went", async () => {
    const { bo, adas, bos } = await twoInAGroup();
    const seen: string[] = [];
    adas[0].on("presence", ({ userId, status }) => seen.push(`${userId === bo.userId ? "bo" : "?"} ${status}`));
    adas[0].watch([bo.userId]);
    await expect.poll(() => seen.at(-1)).toBe("bo online");
    for (const device of bos) device.disconnect();
    await expect.poll(() => seen.at(-1), { timeout: 15_000 }).toBe("bo offline");
  });
});

describe("a device that was away", () => {
  test("catches up on all it missed, without loss or repetition, and ends like the one that stayed", async () => {
    const { adas, bos, tea } = await twoInAGroup();
    await adas[0].send(tea, "before");
    await has(bos[0], tea, "before");
    bos[0].disconnect();
    const { messageId } = await adas[0].send(tea, "while away");
    await adas[1].send(tea, "and more");
    await adas[0].edit(tea, messageId, "while away, edited");
    await bos[1].markRead(tea, 2);
    await bos[1].until(() => numbers(bos[1], tea)?.read === 2);
    const resets: unknown[] = [];
    bos[0].on("reset", (event) => resets.push(event));
    await bos[0].connect();
    await bos[0].until(() => numbers(bos[0], tea)?.read === 2 && numbers(bos[0], tea)?.unread === 1);
    expect(resets).toEqual([]);
    expect(texts(bos[0], tea)).toEqual(["before", "while away, edited", "and more"]);
    expect(numbers(bos[0], tea)).toEqual({ unread: 1, mentions: 0, read: 2 });
  });

  test("what was written meanwhile waits, is shown as pending, and goes out once, in order", async () => {
    const { adas, bos, tea } = await twoInAGroup();
    bos[0].disconnect();
    const sent = ["one", "two", "three"].map((text) => bos[0].send(tea, text));
    expect(bos[0].pending(tea).map(({ text }) => text)).toEqual(["one", "two", "three"]);
    await bos[0].connect();
    await Promise.all(sent);
    await has(adas[0], tea, "three");
    expect(texts(adas[0], tea)).toEqual(["one", "two", "three"]);
    await bos[0].until(() => bos[0].pending(tea).length === 0);
  });

  test("a restarted program goes on from its storage: same device, same outbox, no reset", async () => {
    const [ada, bo] = [await person("Ada"), await person("Bo")];
    const storage = memoryStorage();
    const before = await ada.device("phone", storage);
    const other = await bo.device("phone");
    const tea = await before.direct(bo.userId);
    await other.until(() => other.conversation(tea) !== undefined);
    await other.send(tea, "hello");
    await has(before, tea, "hello");
    before.disconnect();
    void before.send(tea, "unsent");
    await before.close();
    await other.send(tea, "are you there?");

    const again = await ScriptaClient.resume({ url: server.url, storage });
    if (!again) throw new Error("nothing was stored");
    clients.push(again);
    const resets: unknown[] = [];
    again.on("reset", (event) => resets.push(event));
    expect(texts(again, tea)).toEqual(["hello"]);
    await again.connect();
    await has(again, tea, "unsent");
    expect(again.deviceId).toBe(before.deviceId);
    expect(resets).toEqual([]);
    expect([...texts(again, tea)].sort()).toEqual(["are you there?", "hello", "unsent"]);
  });

  test("an inventive cursor gives a reset, and what was acknowledged lately is sent again without a second copy", async () => {
    const [ada, bo] = [await person("Ada"), await person("Bo")];
    const storage = memoryStorage();
    const before = await ada.device("phone", storage);
    const tea = await before.direct(bo.userId);
    await before.until(() => before.conversation(tea) !== undefined);
    await before.send(tea, "once");
    await before.close();
    const stored = await storage.load();
    if (!stored) throw new Error("nothing was stored");
    await storage.save({ ...stored, cursor: "garbage" });
    const again = await ScriptaClient.resume({ url: server.url, storage });
    if (!again) throw new Error("nothing was stored");
    clients.push(again);
    const resets: unknown[] = [];
    again.on("reset", (event) => resets.push(event));
    await again.connect();
    expect(resets.length).toBeGreaterThan(0);
    await again.until(() => again.unanswered === 0);
    await again.send(tea, "twice");
    await has(again, tea, "twice");
    expect(texts(again, tea)).toEqual(["once", "twice"]);
  });

  test("stale state and changes equal the state of a fresh device", async () => {
    const { bo, adas, bos, tea } = await twoInAGroup();
    bos[0].disconnect();
    const sent = [];
    for (let index = 0; index < 12; index++) sent.push(await adas[index % 2 ? 0 : 1].send(tea, `text ${index}`));
    const [first, second] = sent;
    if (!first || !second) throw new Error("nothing was sent");
    await adas[0].react(tea, first.messageId, "🌱");
    await adas[0].delete(tea, second.messageId);
    await adas[0].command("UpdateConversation", { conversationId: tea, name: "Tea at four" });
    await bos[1].markRead(tea, 6);
    await bos[0].connect();
    const fresh = await bo.device("tablet");
    const comparable = (client: ScriptaClient) => {
      const { conversations } = plainOf(client.state);
      return conversations.map(({ conversation, messages, marks }) => ({
        conversation,
        messages,
        marks: marks.map((mark) => JSON.stringify(mark)).sort(),
      }));
    };
    for (const device of [bos[0], bos[1]]) {
      await expect.poll(() => comparable(device), { timeout: 5_000 }).toEqual(comparable(fresh));
    }
  });
});

test("the inbox is in the server's order, on a device that followed, was away, or is new", async () => {
  const { bo, adas, bos, tea } = await twoInAGroup();
  const walk = await adas[0].group("Walk", [bo.userId]);
  await bos[1].until(() => bos[1].conversation(walk) !== undefined);
  bos[1].disconnect();
  const song = await adas[0].group("Song", [bo.userId]);
  for (const conversationId of [song, walk, tea, song]) await adas[0].send(conversationId, "hello");
  await bos[1].connect();
  const fresh = await bo.device("tablet");
  const served = (await fresh.ask.conversations()).items.map(({ conversationId }) => conversationId);
  expect(served).toEqual([song, tea, walk]);
  for (const device of [bos[0], bos[1], fresh]) {
    const order = () => device.inbox().map(({ conversation }) => conversation.conversationId);
    await expect.poll(order, { timeout: 5_000 }).toEqual(served);
  }
});

describe("a server that is killed and comes back", () => {
  test("nothing that was being sent is lost, doubled or turned around", async () => {
    const { adas, bos, tea } = await twoInAGroup();
    const expected = Array.from({ length: 60 }, (_, index) => `text ${index}`);
    const acknowledged = expected.map((text) => adas[0].send(tea, text));
    await acknowledged[5];
    await server.kill();
    server = await startServer({ SCRIPTA_DATA: folder, SCRIPTA_PORT: new URL(server.url).port });
    await Promise.all(acknowledged);
    // Its next attempt may be half a minute off; somebody looks at the device, so it comes now.
    await Promise.all([bos[0].connect(), adas[0].connect()]);
    for (const device of [bos[0], adas[0]]) {
      await device.until(() => device.messages(tea).length === expected.length, 30_000);
    }
    expect(texts(bos[0], tea)).toEqual(expected);
    expect(bos[0].messages(tea).map(({ seq }) => seq)).toEqual(expected.map((_, index) => index + 1));
  }, 120_000);
});

describe("history", () => {
  test("a new device holds the last messages, and fetches the rest page by page into the gap", async () => {
    const { bo, adas, tea } = await twoInAGroup();
    for (let index = 1; index <= 45; index++) await adas[0].send(tea, `text ${index}`);
    const fresh = await bo.device("tablet");
    expect(fresh.messages(tea).map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, index) => index + 26));
    expect(await fresh.older(tea, 20)).toBe(true);
    expect(await fresh.older(tea, 20)).toBe(false);
    const held = fresh.conversation(tea);
    expect(held && messagesOf(held).map(({ text }) => text)).toEqual(
      Array.from({ length: 45 }, (_, index) => `text ${index + 1}`),
    );
    expect(numbers(fresh, tea)?.unread).toBe(45);
  });
});

describe("what is refused", () => {
  test("has the contract's code, over the socket as over HTTP", async () => {
    const { ada, adas, tea } = await twoInAGroup();
    await expect(adas[0].send(tea, "   ")).rejects.toMatchObject({ code: "validation-failed" });
    await expect(adas[0].send(uuidV7(), "hello")).rejects.toMatchObject({ code: "not-found" });
    await expect(adas[0].ask.message(tea, uuidV7())).rejects.toMatchObject({ code: "not-found", status: 404 });
    const device = { name: "x", platform: "test" };
    const wrong = ScriptaClient.login({ url: server.url, username: ada.username, password: "wrong password", device });
    await expect(wrong).rejects.toMatchObject({ code: "unauthenticated" });
  });

  test("a device that was signed out stops for good, and says so", async () => {
    const { adas } = await twoInAGroup();
    const [device] = adas;
    await device.ask.devices();
    const other = adas[1];
    await other.logout();
    await expect(other.connect()).rejects.toThrow("signed-out");
    expect(other.status).toEqual({ status: "stopped", why: "signed-out" });
  });
});

const Published = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), z.looseObject({ operationId: z.string().optional() }))),
});

test("the SDK's routes are those that the server publishes", async () => {
  const published = Published.parse(await (await fetch(`${server.url}/openapi.json`)).json());
  const routes = Object.entries(published.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { operationId }]) => ({
      operationId,
      route: `${method.toUpperCase()} ${path}`,
    })),
  );
  expect(routes.length).toBeGreaterThan(Object.keys(commandRoutes).length);
  for (const [name, route] of Object.entries(commandRoutes)) {
    const ours = route.replace(" /", " /api/v1/").replace(/:(\w+)/g, "{$1}");
    expect(routes.find(({ operationId }) => operationId === name)?.route ?? `${name} is not published`).toBe(ours);
  }
});
