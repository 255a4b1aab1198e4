import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Actor, insist } from "./harness/actor.ts";
import { type Installation, installation, type Service } from "./harness/installation.ts";
import { appendAsAnother } from "./harness/ownLog.ts";
import { randomFrom, seedOfRun } from "./harness/randomFrom.ts";
import type { RecordedDevice } from "./harness/recordedDevice.ts";
import { say, tableOf } from "./harness/table.ts";
import { until } from "./harness/until.ts";

/** Fault 12: an event that no read model can fold, and one that a single read model cannot. */
const random = randomFrom(seedOfRun());

let it: Installation;
let service: Service;
let [ada, bo]: Actor[] = [];
let bad: string;
let good: string;
let tablet: RecordedDevice;
beforeAll(async () => {
  it = await installation();
  service = await it.service();
});
beforeEach(async () => {
  ada = await it.person("ada", service);
  bo = await it.person("bo", service);
  [bad, good] = [await tableOf([ada, bo], random, "bad"), await tableOf([ada, bo], random, "good")];
  tablet = it.device(bo, `bo's tablet in ${bad}`);
  await tablet.connect(service.url());
  await until(() => tablet.state.conversations.size === 2, "both conversations");
});
afterAll(() => it?.close());

const Ready = z.object({ status: z.string(), checks: z.object({ projections: z.looseObject({ ok: z.boolean() }) }) });

const ready = async () => {
  const response = await fetch(`${service.url()}/health/ready`);
  return { code: response.status, body: Ready.parse(await response.json()) };
};
const parkedStreams = async () => {
  const response = await fetch(`${service.url()}/metrics`);
  expect(response.ok).toBe(true);
  const metrics = await response.text();
  return [...metrics.matchAll(/^scripta_projection_parked_streams(?:{[^}]*})? (\d+)$/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
};

/** A message that was acknowledged: a machine that is slow enough may leave one without an answer. */
async function told(by: Actor, conversationId: string, text: string) {
  const sent = await insist(() => say(by, conversationId, text, random));
  expect(sent.outcome).toBe("ok");
  return sent;
}

/** Whether the other conversation goes on, live and on reading, while this one waits. */
async function othersGoOn(): Promise<void> {
  if (!ada || !bo) throw new Error("nobody is here");
  const sent = await told(ada, good, "as if nothing were");
  await until(
    async () =>
      (tablet.live() || (await tablet.connect(service.url()))) &&
      tablet.state.conversations.get(good)?.messages.has(sent.messageId ?? ""),
    "the message on the tablet",
  );
  const reading = await bo.read(good, sent.answer?.position);
  expect(reading?.messages.some(({ messageId }) => messageId === sent.messageId)).toBe(true);
}

describe("a poison event", () => {
  test("from the future parks its conversation, which decides nothing more; others go on, and an alarm rings", async () => {
    if (!ada || !bo) throw new Error("nobody is here");
    await until(async () => (await ready()).body.status === "ready", "a server that is well");
    const before = await parkedStreams();
    await told(ada, bad, "before");
    await appendAsAnother(it.postgres.url(), bad, [{ type: "MessagePinned", version: 1, data: { by: bo.userId } }]);
    await until(async () => (await parkedStreams()) > before, "the alarm");
    const { code } = await until(async () => {
      const now = await ready();
      return now.body.status === "degraded" && now;
    }, "a server that says what is wrong");
    expect(code).toBe(200);
    expect(await say(ada, bad, "after", random)).toMatchObject({ outcome: "unknown", code: "unavailable" });
    await othersGoOn();
    const there = (await it.log()).find(({ type }) => type === "MessagePinned");
    expect(there?.data).toEqual({ by: bo.userId });
  });

  test("that one read model cannot fold is parked in that one alone; others go on, and it stays so over a restart", async () => {
    if (!ada || !bo) throw new Error("nobody is here");
    const before = await parkedStreams();
    const first = await told(ada, bad, "first");
    const [target, sentAt] = [random.uuid(), new Date().toISOString()];
    // A second message with the seq of the first: a constraint of the history refuses it, whatever else is well.
    const data = { target, seq: first.answer?.seq, authorId: ada.userId, kind: "text", sentAt };
    await appendAsAnother(it.postgres.url(), bad, [{ type: "MessageSent", version: 1, data, target }]);
    await until(async () => (await parkedStreams()) === before + 1, "the alarm of one read model");
    const later = await told(ada, bad, "later");
    await othersGoOn();
    // What came later waits behind it, so that nobody reads it out of its order.
    expect((await bo.read(bad, later.answer?.position))?.messages.map(({ text }) => text)).toEqual(["first"]);
    await service.stop();
    await service.start();
    expect(await parkedStreams()).toBe(before + 1);
    await tablet.connect(service.url());
    await othersGoOn();
  });
});
