import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cuttableLink } from "../support/cuttableLink.ts";
import { type Actor, actor, insist } from "./harness/actor.ts";
import type { Side } from "./harness/databaseLink.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { until } from "./harness/until.ts";

/** Fault 1: the server is killed before it commits, after it committed, and before it answers. */
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

describe("the server killed while it appends", () => {
  test.each<[string, Side, number]>([
    ["before the database heard of it", "asked", 0],
    ["after the commit, before its answer came back", "answered", 1],
  ])("%s: a retry gives one event and the same answer", async (_, side, there) => {
    const messageId = random.uuid();
    const message = { conversationId: tea, messageId, kind: "text", text: `killed ${side}` };
    const caught = it.link.catchAt(side, append);
    const first = ada.command("SendMessage", message, messageId);
    await caught;
    await service.kill();
    (await caught).cut();
    expect((await first).outcome).toBe("unknown");
    const entries = (await it.log()).filter(({ commandId }) => commandId === messageId);
    expect(entries).toHaveLength(there);
    await service.start();
    const second = await insist(() => ada.command("SendMessage", message, messageId));
    const third = await ada.command("SendMessage", message, messageId);
    expect(second.outcome).toBe("ok");
    expect(third.answer).toEqual(second.answer);
    await ada.read(tea, second.answer?.position);
    expect(await it.judge()).toEqual([]);
  });

  test("after the commit and all, before its answer reached the client: a retry gives one event and the same answer", async () => {
    const messageId = random.uuid();
    const message = { conversationId: tea, messageId, kind: "text", text: "answered in vain" };
    const deaf = await cuttableLink(service.url());
    const far = actor(it.recorder, ada, () => deaf.url.replace(/\/$/, ""));
    const gone = until(async () => (await it.log()).some(({ commandId }) => commandId === messageId), "the event");
    const first = far.command("SendMessage", message, messageId);
    await deaf.hangWhile(gone);
    deaf.close();
    await service.kill();
    expect((await first).outcome).toBe("unknown");
    await service.start();
    const again = await insist(() => ada.command("SendMessage", message, messageId));
    expect(again.outcome).toBe("ok");
    expect((await it.log()).filter(({ commandId }) => commandId === messageId)).toHaveLength(1);
    expect(await it.judge()).toEqual([]);
  });
});
