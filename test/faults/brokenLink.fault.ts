import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Actor, insist } from "./harness/actor.ts";
import type { Side } from "./harness/databaseLink.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";

/** Fault 5: the link to the database breaks while an append is on its way. */
const random = randomFrom(seedOfRun());

let it: Installation;
let service: Service;
let ada: Actor;
let tea: string;
beforeAll(async () => {
  it = await installation();
  service = await it.service();
  ada = await it.person("ada", service);
  const created = await ada.command("CreateConversation", { kind: "group", name: "Tea", members: [] }, random.uuid());
  tea = created.conversationId ?? "";
});
afterAll(() => it?.close());

const append = (statement: string) => statement === "log.append";
const aMessage = (text: string) => ({ conversationId: tea, messageId: random.uuid(), kind: "text", text });
const recorded = async (id: string) => (await it.log()).filter(({ commandId }) => commandId === id).length;

describe("a link that breaks in mid-commit", () => {
  test.each<[string, Side]>([
    ["before the database heard of it", "asked"],
    ["after the commit", "answered"],
  ])("%s and comes back: the server finds out what happened, and answers as if nothing had", async (_, side) => {
    const message = aMessage(`broken ${side}`);
    const caught = it.link.catchAt(side, append);
    const sent = ada.command("SendMessage", message, message.messageId);
    (await caught).cut();
    const { outcome, answer } = await sent;
    expect(outcome).toBe("ok");
    expect(await recorded(message.messageId)).toBe(1);
    expect((await ada.command("SendMessage", message, message.messageId)).answer).toEqual(answer);
    expect(await it.judge()).toEqual([]);
  });

  test.each<[string, Side, number]>([
    ["before the database heard of it", "asked", 0],
    ["after the commit", "answered", 1],
  ])(
    "%s and stays away: the client is told that it is not known, and its retry resolves it",
    async (_, side, there) => {
      const message = aMessage(`gone ${side}`);
      const caught = it.link.catchAt(side, append);
      const sent = ada.command("SendMessage", message, message.messageId);
      (await caught).cut();
      it.link.down(true);
      expect(await sent).toMatchObject({ outcome: "unknown", code: "unavailable" });
      expect(await recorded(message.messageId)).toBe(there);
      it.link.down(false);
      const again = await insist(() => ada.command("SendMessage", message, message.messageId));
      expect(again.outcome).toBe("ok");
      expect(await recorded(message.messageId)).toBe(1);
      expect(await it.judge()).toEqual([]);
    },
  );

  test("again and again under many messages: each is there once, in an order that all agree on", async () => {
    const messages = Array.from({ length: 60 }, (_, n) => aMessage(`message ${n}`));
    const sent = Promise.all(
      messages.map((message) => insist(() => ada.command("SendMessage", message, message.messageId))),
    );
    for (let cut = 0; cut < 6; cut++)
      (
        await Promise.race([it.link.catchAt(random.pick(["asked", "answered"]), append), sent.then(() => undefined)])
      )?.cut();
    const answers = await sent;
    expect(answers.map(({ outcome }) => outcome)).toEqual(messages.map(() => "ok"));
    await ada.read(tea, Math.max(...answers.map(({ answer }) => answer?.position ?? 0)));
    expect(await it.judge()).toEqual([]);
  });
});
