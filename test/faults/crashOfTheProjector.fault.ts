import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Actor, insist } from "./harness/actor.ts";
import type { Side, Where } from "./harness/databaseLink.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import type { RecordedDevice } from "./harness/recordedDevice.ts";
import { until } from "./harness/until.ts";

/** Fault 2: the projecting process is killed at each step of folding a batch. */
const random = randomFrom(seedOfRun());

let it: Installation;
let service: Service;
let [ada, bo]: Actor[] = [];
let tea: string;
let tablet: RecordedDevice;
beforeAll(async () => {
  it = await installation();
  service = await it.service();
  ada = await it.person("ada", service);
  bo = await it.person("bo", service);
  const group = { kind: "group", name: "Tea", members: [{ userId: bo.userId }] };
  tea = (await ada.command("CreateConversation", group, random.uuid())).conversationId ?? "";
  tablet = it.device(bo, "bo's tablet");
  await tablet.connect(service.url());
});
afterAll(() => it?.close());

const folding = (transaction: readonly string[]) => transaction.includes("projector-move-checkpoints");
const first: Where = (statement) => statement === "projector-move-checkpoints";
const nextFold: Where = (statement, transaction) =>
  folding(transaction) && !first(statement, []) && statement !== "commit";
const commit: Where = (statement, transaction) => folding(transaction) && statement === "commit";

/** Each step of a batch: what it is, and the statement before or after which the process dies. */
const steps: readonly (readonly [string, Side, Where, number])[] = [
  ["before its checkpoint moves", "asked", first, 1],
  ["with its checkpoint moved", "answered", first, 1],
  ["after the first rows", "answered", nextFold, 1],
  ["after some rows", "answered", nextFold, 3],
  ["after most rows", "answered", nextFold, 5],
  ["before it commits", "asked", commit, 1],
  ["after it committed, before it knows", "answered", commit, 1],
];

describe("the projector killed", () => {
  test.each(steps)("%s (%s): no gap and no double effect", async (what, side, where, nth) => {
    const caught = it.link.catchAt(side, where, nth);
    if (!ada || !bo) throw new Error("nobody is here");
    const [by, other] = [ada, bo];
    const write = async () => {
      const messageId = random.uuid();
      const text = `killed ${what}`;
      await insist(() => by.command("SendMessage", { conversationId: tea, messageId, kind: "text", text }, messageId));
      const [edit, react] = [random.uuid(), random.uuid()];
      await insist(() => by.command("EditMessage", { conversationId: tea, messageId, text: `${text}, edited` }, edit));
      await insist(() => other.command("AddReaction", { conversationId: tea, messageId, emoji: "👍" }, react));
      return messageId;
    };
    const writing = write();
    await caught;
    await service.kill();
    (await caught).cut();
    await service.start();
    const messageId = await writing;
    expect(await tablet.connect(service.url())).toBe(true);
    const last = it.recorder.attempts.at(-1)?.answer;
    await until(
      () => tablet.state.conversations.get(tea)?.messages.get(messageId)?.revision === last?.revision,
      "the last change on the tablet",
    );
    const reading = await bo.read(tea, last?.position);
    expect(reading?.messages.filter((seen) => seen.messageId === messageId)).toHaveLength(1);
    it.recorder.devices.splice(0, 1, tablet.holding());
    expect(await it.judge()).toEqual([]);
    expect(tablet.resets()).toBe(1);
  });
});
