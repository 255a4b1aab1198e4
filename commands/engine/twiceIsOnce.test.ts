import { expect, test } from "vitest";
import { isRejection } from "../../domain/rejection.ts";
import { aGroup, aMessage } from "../../test/support/aGroup.ts";
import { aDeployment, answered, asks, recordedIn, send } from "../../test/support/engines.ts";
import { AddReaction } from "../conversation/addReaction.ts";
import { SendMessage } from "../conversation/sendMessage.ts";
import { openCommands } from "../list.ts";

/**
 * A group of Ada (owner), Bo and Cy with one message of Ada's, on which she reacted, and one of Bo's that asks to be
 * acknowledged; Dee is no member.
 */
async function aScene() {
  const deployment = aDeployment();
  const [ada, bo, cy, dee] = [0, 1, 2, 3].map(() => deployment.account());
  if (!ada || !bo || !cy || !dee) throw new Error("four people are needed");
  const engines = [deployment.engine(), deployment.engine()] as const;
  const { conversationId, stream } = await aGroup(engines[0], ada, [bo, cy]);
  const messageId = await aMessage(engines[0], conversationId, ada);
  answered(await send(engines[0], AddReaction, { conversationId, messageId, emoji: "👍" }, asks(ada)));
  const asking = {
    conversationId,
    messageId: crypto.randomUUID(),
    text: "read this",
    ackBy: "2026-11-21T09:00:00.000Z",
  };
  answered(await send(engines[0], SendMessage, asking, asks(bo)));
  const askingId = asking.messageId;
  return { ...deployment, ada, bo, cy, dee, engines, conversationId, messageId, askingId, stream };
}

const key = "01890a5d-1111-7000-8000-0000000000aa";

/** For each command something that Ada may ask of the scene, and something else that she may ask instead. */
const asked: Record<string, (scene: Awaited<ReturnType<typeof aScene>>) => [payload: object, other: object]> = {
  CreateConversation: ({ bo, cy }) => [
    { kind: "group", name: "tea", members: [{ userId: bo }] },
    { kind: "group", name: "tea", members: [{ userId: cy }] },
  ],
  UpdateConversation: ({ conversationId }) => [
    { conversationId, name: "tea" },
    { conversationId, name: "coffee" },
  ],
  AddMember: ({ conversationId, dee }) => [
    { conversationId, userId: dee },
    { conversationId, userId: dee, role: "admin" },
  ],
  ChangeMemberRole: ({ conversationId, bo }) => [
    { conversationId, userId: bo, role: "admin" },
    { conversationId, userId: bo, role: "guest" },
  ],
  RemoveMember: ({ conversationId, bo, cy }) => [
    { conversationId, userId: bo },
    { conversationId, userId: cy },
  ],
  SetConversationPreferences: ({ conversationId }) => [
    { conversationId, notify: "none", mutedUntil: null },
    { conversationId, notify: "mentions", mutedUntil: null },
  ],
  SendMessage: ({ conversationId }) => [
    { conversationId, messageId: key, text: "tea?" },
    { conversationId, messageId: key, text: "coffee?" },
  ],
  EditMessage: ({ conversationId, messageId }) => [
    { conversationId, messageId, text: "tea?" },
    { conversationId, messageId, text: "coffee?" },
  ],
  DeleteMessage: ({ conversationId, messageId }) => [
    { conversationId, messageId },
    { conversationId, messageId: crypto.randomUUID() },
  ],
  AcknowledgeMessage: ({ conversationId, messageId, askingId }) => [
    { conversationId, messageId: askingId },
    { conversationId, messageId },
  ],
  AddReaction: ({ conversationId, messageId }) => [
    { conversationId, messageId, emoji: "🎉" },
    { conversationId, messageId, emoji: ":tea:" },
  ],
  RemoveReaction: ({ conversationId, messageId }) => [
    { conversationId, messageId, emoji: "👍" },
    { conversationId, messageId, emoji: "🎉" },
  ],
  MarkRead: ({ conversationId }) => [
    { conversationId, seq: 1 },
    { conversationId, seq: 0 },
  ],
  MarkDelivered: ({ conversationId }) => [
    { conversationId, seq: 1 },
    { conversationId, seq: 0 },
  ],
};

const names = openCommands(aDeployment().engine()).map(({ name }) => name);
const keyed = names.filter((name) => !name.startsWith("Mark"));

test("each command is asked here, and nothing else", () => expect(Object.keys(asked).sort()).toEqual(names.sort()));

async function aCase(name: string) {
  const scene = await aScene();
  const asking = asked[name];
  if (!asking) throw new Error(`nothing is known to ask of ${name}`);
  const [payload, other] = asking(scene);
  const doors = scene.engines.map((engine) => {
    const door = openCommands(engine).find((one) => one.name === name);
    if (!door) throw new Error(`there is no ${name}`);
    return (what: object, userId: string, withKey = key) =>
      door.handle(door.payload.parse(what), asks(userId, { key: withKey }));
  });
  const [here, there] = doors;
  if (!here || !there) throw new Error("two processes are needed");
  const length = async () => (await scene.log.head()).position;
  return { ...scene, here, there, payload, other, length };
}

test.each(names)("%s twice is once, whichever process is asked", async (name) => {
  const { here, there, payload, ada, length } = await aCase(name);
  const first = await here(payload, ada);
  answered(first);
  const recorded = await length();
  expect(await here(payload, ada)).toEqual(first);
  if (keyed.includes(name)) expect(await there(payload, ada)).toEqual(first);
  expect(await length()).toBe(recorded);
});

test.each(keyed)("%s asked many times at once, of two processes, is once", async (name) => {
  const { here, there, payload, ada, length } = await aCase(name);
  const before = await length();
  const alone = await aCase(name);
  answered(await alone.here(alone.payload, alone.ada));
  const answers = await Promise.all([here, there, here, there, here].map((ask) => ask(payload, ada)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect((await length()) - before).toBe((await alone.length()) - before);
});

test.each(keyed)("%s is a conflict under a key that was used for another body or route", async (name) => {
  const { here, engines, payload, other, ada, conversationId, length } = await aCase(name);
  answered(await here(payload, ada));
  const recorded = await length();
  expect(await here(other, ada)).toMatchObject({ rejected: "conflict" });
  if (name !== "CreateConversation") {
    const another = name === "AddMember" ? "ChangeMemberRole" : "AddMember";
    const door = openCommands(engines[1]).find((one) => one.name === another);
    const elsewhere = { conversationId, userId: ada, ...(another === "AddMember" ? {} : { role: "owner" }) };
    expect(await door?.handle(door.payload.parse(elsewhere), asks(ada, { key }))).toMatchObject({
      rejected: "conflict",
    });
  }
  expect(await length()).toBe(recorded);
});

test.each(keyed.filter((name) => name !== "CreateConversation"))(
  "%s is a conflict under a key that another person used, and not even that for a stranger",
  async (name) => {
    const { here, there, payload, ada, cy, dee, stream, log } = await aCase(name);
    answered(await here(payload, ada));
    const recorded = await recordedIn(log, stream);
    for (const ask of [here, there]) {
      expect(await ask(payload, cy)).toMatchObject({ rejected: "conflict" });
      if (name !== "AddMember") expect(await ask(payload, dee)).toMatchObject({ rejected: "not-found" });
    }
    expect(await recordedIn(log, stream)).toEqual(recorded);
  },
);

test("what two people create under one key are two conversations", async () => {
  const { here, payload, ada, cy } = await aCase("CreateConversation");
  expect(await here(payload, ada)).not.toEqual(await here(payload, cy));
});

test("a refusal is not remembered: once it may be, the same key does it", async () => {
  const { here, payload, ada, cy, engines, conversationId } = await aCase("UpdateConversation");
  expect(await here(payload, cy)).toMatchObject({ rejected: "forbidden" });
  const role = openCommands(engines[0]).find(({ name }) => name === "ChangeMemberRole");
  answered(
    (await role?.handle(role.payload.parse({ conversationId, userId: cy, role: "admin" }), asks(ada))) ?? { body: 0 },
  );
  expect(isRejection(await here(payload, cy))).toBe(false);
});
