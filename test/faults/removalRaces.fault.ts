import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Actor, insist } from "./harness/actor.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { until } from "./harness/until.ts";

/** Fault 17: a removal races with what the removed person and the others send and read. */
const random = randomFrom(seedOfRun());

let it: Installation;
let services: Service[];
let [ada, bo]: Actor[] = [];
beforeAll(async () => {
  it = await installation();
  services = [await it.service(), await it.service()];
  const [one, two] = services;
  if (!one || !two) throw new Error("nobody serves");
  ada = await it.person("ada", one);
  bo = await it.person("bo", two);
});
afterAll(() => it?.close());

async function scene() {
  const [one, two] = services;
  if (!ada || !bo || !one || !two) throw new Error("nobody is here");
  const [by, removed] = [ada, bo];
  const group = { kind: "group", name: "Tea", members: [{ userId: bo.userId }] };
  const tea = (await insist(() => by.command("CreateConversation", group, random.uuid()))).conversationId ?? "";
  const devices = [it.device(bo, `bo at one in ${tea}`), it.device(bo, `bo at two in ${tea}`)];
  await Promise.all([devices[0]?.connect(one.url()), devices[1]?.connect(two.url())]);
  await until(() => devices.every(({ state }) => state.conversations.has(tea)), "the conversation on both devices");
  const send = (who: Actor, text: string) => {
    const messageId = random.uuid();
    return who.command("SendMessage", { conversationId: tea, messageId, kind: "text", text }, messageId);
  };
  return { ada: by, bo: removed, tea, devices, send };
}

describe("a removal", () => {
  test("that races with sends and reads at two servers has one cut-off, at one position of the log", async () => {
    for (let round = 0; round < 8; round++) {
      const { ada, bo, tea, devices, send } = await scene();
      const writing = Array.from({ length: 12 }, (_, n) => [send(ada, `ada ${n}`), send(bo, `bo ${n}`), bo.read(tea)]);
      const removal = ada.command("RemoveMember", { conversationId: tea, userId: bo.userId }, random.uuid());
      const after = removal.then(() =>
        Promise.all([bo.read(tea), bo.read(tea), send(bo, "still here?"), send(ada, "bo is gone")]),
      );
      await Promise.all([...writing.flat(), after]);
      const cutOff = (await removal).answer?.position ?? 0;
      const attempts = it.recorder.attempts.filter(
        ({ conversationId, name }) => conversationId === tea && name === "SendMessage",
      );
      for (const { userId, outcome, answer } of attempts) {
        if (userId === bo.userId)
          expect(outcome === "ok").toBe((answer?.position ?? Number.POSITIVE_INFINITY) < cutOff);
        else expect(outcome).toBe("ok");
      }
      await until(() => devices.every(({ state }) => !state.conversations.has(tea)), "`left` on both devices");
      for (const device of devices) device.close();
    }
    expect(await it.judge()).toEqual([]);
  });

  test("and a return within one batch: the device drops what was before, as one that catches up does", async () => {
    const { ada, bo, tea, devices, send } = await scene();
    const kept = await send(ada, "seen by bo");
    await until(() => devices.every(({ state }) => state.conversations.get(tea)?.messages.size === 1), "the message");
    // While the projector's commit stands still, what follows gathers into one batch.
    const caught = it.link.catchAt(
      "asked",
      (statement, before) => statement === "commit" && before.includes("projector-move-checkpoints"),
    );
    await send(ada, "also seen");
    const standing = await caught;
    await ada.command("RemoveMember", { conversationId: tea, userId: bo.userId }, random.uuid());
    await send(ada, "not for bo");
    await ada.command("AddMember", { conversationId: tea, userId: bo.userId }, random.uuid());
    standing.letGo();
    const last = await send(ada, "for bo again");
    const held = () => devices.map(({ state }) => [...(state.conversations.get(tea)?.messages.keys() ?? [])]);
    await until(() => held().every((ids) => ids.includes(last.messageId ?? "")), "the last message");
    expect(held()).toEqual(devices.map(() => [last.messageId]));
    expect(kept.outcome).toBe("ok");
    expect(await it.judge()).toEqual([]);
  });
});
