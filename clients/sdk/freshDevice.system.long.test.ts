import { setTimeout as pause } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startServer, type TestServer } from "../../test/support/server.ts";
import { messagesOf, ScriptaClient } from "./index.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
}, 90_000);
afterAll(() => server?.stop(), 60_000);

const password = "correct horse battery";
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const HISTORIES = 3;
/** A history that fails is shortened for so long. */
const SHORTENED_WITHIN_MS = 150_000;

const often = (kind: string, weight: number) => ({ weight, arbitrary: fc.constant(kind) });
const Step = fc.record({
  what: fc.oneof(
    often("send", 30),
    often("mention", 10),
    often("edit", 10),
    often("delete", 7),
    often("react", 10),
    often("read", 15),
    often("rename", 4),
    often("return", 3),
    often("away", 8),
  ),
  device: fc.nat(5),
  which: fc.nat(1_000),
  pauseMs: fc.nat(12),
});
type Step = typeof Step extends fc.Arbitrary<infer Value> ? Value : never;

const nth = <Item>(items: readonly Item[], which: number): Item | undefined => items[which % items.length];

async function device(username: string): Promise<ScriptaClient> {
  const client = await ScriptaClient.login({
    url: server.url,
    username,
    password,
    device: { name: "test", platform: "test" },
  });
  await client.connect();
  return client;
}

/** What a device holds of each conversation, from its first message on. Over HTTP alone comes who reacted oneself. */
function held(client: ScriptaClient, people: readonly string[]) {
  return client.inbox().map((each) => ({
    conversation: { ...each.conversation, lastMessage: each.conversation.lastMessage?.revision },
    messages: messagesOf(each)
      .filter(({ seq }) => seq >= each.conversation.firstSeq)
      .map((message) => ({ ...message, reactions: message.reactions.map(({ mine: _mine, ...reaction }) => reaction) })),
    marks: people.map((userId) => each.marks.get(userId)),
  }));
}

async function fetchAll(client: ScriptaClient): Promise<void> {
  for (const conversationId of client.state.conversations.keys()) {
    while (await client.older(conversationId, 200));
  }
}

const names = ["ada", "bo", "cy"] as const;

/** Three people on two devices each, in three conversations. */
async function threePeople(run: string) {
  const userIds: string[] = [];
  for (const name of names) {
    const username = `${name}-${run}`;
    userIds.push((await ScriptaClient.register({ url: server.url, username, password, displayName: name })).userId);
  }
  const [, bo = "", cy = ""] = userIds;
  const devices = await Promise.all([...names, ...names].map((name) => device(`${name}-${run}`)));
  const [ada] = devices;
  if (!ada) throw new Error("nobody is here");
  const walk = await ada.group("Walk", [bo, cy]);
  const conversations = [walk, await ada.group("Tea", [bo, cy]), await ada.direct(bo)];
  return { userIds, bo, cy, ada, devices, walk, conversations };
}

type Place = Awaited<ReturnType<typeof threePeople>>;

/** What somebody does on a device, answered or not, whether it is connected or not. */
function act({ ada, bo, cy, walk, conversations }: Place, client: ScriptaClient, { what, which }: Step): void {
  const conversationId = nth(
    conversations.filter((id) => client.conversation(id)),
    which,
  );
  if (conversationId === undefined) return;
  const messages = client.messages(conversationId).filter(({ deleted }) => !deleted);
  const any = nth(messages, which);
  const own = nth(
    messages.filter(({ senderId }) => senderId === client.userId),
    which,
  );
  if (what === "send") void client.send(conversationId, `text ${which}`);
  else if (what === "mention") void client.send(conversationId, `text ${which}`, { mentions: [bo] });
  else if (what === "edit" && own) void client.edit(conversationId, own.messageId, `edited ${which}`);
  else if (what === "delete" && own) void client.delete(conversationId, own.messageId);
  else if (what === "react" && any) void client.react(conversationId, any.messageId, which % 2 ? "👍" : "🌱");
  else if (what === "read" && any) void client.markRead(conversationId, any.seq);
  else if (what === "rename") void client.command("UpdateConversation", { conversationId, name: `name ${which}` });
  else if (what === "return") {
    void ada.command("RemoveMember", { conversationId: walk, userId: cy });
    void ada.command("AddMember", { conversationId: walk, userId: cy });
  }
}

let runs = 0;

test("stale devices and changes equal fresh devices, whatever was done", async () => {
  console.info(`SEED=${SEED}`);
  await fc.assert(
    fc.asyncProperty(fc.array(Step, { minLength: 1, maxLength: 120, size: "max" }), async (steps) => {
      const run = `${SEED}-${++runs}`;
      const place = await threePeople(run);
      const { devices, userIds } = place;
      const away = new Set<ScriptaClient>();
      for (const step of steps) {
        const client = nth(devices, step.device);
        if (!client) continue;
        if (step.what !== "away") act(place, client, step);
        else if (away.delete(client)) void client.connect();
        else {
          away.add(client);
          client.disconnect();
        }
        await pause(step.pauseMs);
      }

      const opened = [...devices];
      try {
        await Promise.all(devices.map((client) => client.connect()));
        for (const client of devices) await client.until(() => client.unanswered === 0, 30_000);
        const fresh: ScriptaClient[] = [];
        for (const name of names) {
          const client = await device(`${name}-${run}`);
          opened.push(client);
          fresh.push(client);
        }
        for (const client of opened) await fetchAll(client);
        for (const [at, client] of devices.entries()) {
          const other = fresh[at % names.length] ?? client;
          await vi.waitFor(() => expect(held(client, userIds)).toEqual(held(other, userIds)), {
            timeout: 10_000,
            interval: 200,
          });
        }
      } finally {
        for (const client of opened) await client.close();
      }
    }),
    { seed: SEED, numRuns: HISTORIES, interruptAfterTimeLimit: SHORTENED_WITHIN_MS },
  );
}, 240_000);
