import { afterAll, beforeAll, expect, test } from "vitest";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";

/** Fault 29: somebody sends with another's message id, at another server, before, after and at the same moment. */
const random = randomFrom(seedOfRun());

let it: Installation;
let services: Service[];
beforeAll(async () => {
  it = await installation();
  services = [await it.service(), await it.service()];
});
afterAll(() => it?.close());

test("a message id stays with who used it first: the other is told of a conflict, the first gets the first answer", async () => {
  const [one, two] = services;
  if (!one || !two) throw new Error("nobody serves");
  const [ada, bo] = [await it.person("ada", one), await it.person("bo", two)];
  const group = { kind: "group", name: "Tea", members: [{ userId: bo.userId }] };
  const tea = (await ada.command("CreateConversation", group, random.uuid())).conversationId ?? "";
  const won = new Set<string>();
  for (let round = 0; round < 25; round++) {
    const messageId = random.uuid();
    // The very same words, so that nothing but the sender tells them apart.
    const message = { conversationId: tea, messageId, kind: "text", text: `round ${round}` };
    const people = random.below(2) === 0 ? [ada, bo] : [bo, ada];
    const both = await Promise.all(people.map((person) => person.command("SendMessage", message, messageId)));
    const first = both.find(({ outcome }) => outcome === "ok");
    const second = both.find(({ outcome }) => outcome !== "ok");
    expect(second).toMatchObject({ outcome: "failed", code: "conflict" });
    won.add(first?.userId ?? "");
    for (const person of people) {
      const again = await person.command("SendMessage", message, messageId);
      if (person.userId === first?.userId) expect(again.answer).toEqual(first.answer);
      else expect(again).toMatchObject({ outcome: "failed", code: "conflict" });
    }
    const reading = await bo.read(tea, first?.answer?.position);
    expect(reading?.messages.filter((seen) => seen.messageId === messageId)).toHaveLength(1);
  }
  expect(won.size).toBe(2);
  expect(await it.judge()).toEqual([]);
});
