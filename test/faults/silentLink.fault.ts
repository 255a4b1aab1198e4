import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Actor, insist } from "./harness/actor.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import { say, tableOf } from "./harness/table.ts";
import { until } from "./harness/until.ts";

/** Fault 6: the database fails over, its old host is gone, and nothing tells those who were connected. */
const random = randomFrom(seedOfRun());

let it: Installation;
let service: Service;
let [ada, bo]: Actor[] = [];
let tea: string;
beforeAll(async () => {
  it = await installation();
  service = await it.service();
  [ada, bo] = [await it.person("ada", service), await it.person("bo", service)];
  tea = await tableOf([ada, bo], random);
});
afterAll(() => it?.close());

/** The kernel would tell after some fifteen minutes. */
const FOUND_OUT_MS = 45_000;

describe("a database that was replaced by another one, unheard", () => {
  test("is found within seconds, for writing, reading and telling", async () => {
    if (!ada || !bo) throw new Error("nobody is here");
    const [by, other] = [ada, bo];
    const tablet = it.device(other, "bo's tablet");
    await tablet.connect(service.url());
    it.link.vanish();
    const sent = await insist(() => say(by, tea, "is anybody there?", random), FOUND_OUT_MS);
    const reading = await until(
      async () => {
        const page = await other.read(tea, sent.answer?.position);
        return page?.status === 200 && page;
      },
      "a page",
      FOUND_OUT_MS,
    );
    expect(reading.messages.map(({ messageId }) => messageId)).toContain(sent.messageId);
    await until(
      async () =>
        (tablet.live() || (await tablet.connect(service.url()))) &&
        tablet.state.conversations.get(tea)?.messages.has(sent.messageId ?? ""),
      "the message on the tablet",
      FOUND_OUT_MS,
    );
    expect(await it.judge()).toEqual([]);
  });
});
