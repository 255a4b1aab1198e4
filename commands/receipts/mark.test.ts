import { expect, test } from "vitest";
import { streamId } from "../../domain/ids.ts";
import { LogUnavailable } from "../../infra/ports/eventLog.ts";
import { aGroup, aMessage } from "../../test/support/aGroup.ts";
import { aDeployment, alteredLog, answered, asks, recordedIn, send } from "../../test/support/engines.ts";
import { RemoveMember } from "../conversation/removeMember.ts";
import { MarkDelivered, MarkRead } from "./mark.ts";

/** Ada owns, Bo is a member, Cy is not; Ada said three things. */
async function aScene() {
  const deployment = aDeployment();
  const [ada, bo, cy] = [deployment.account(), deployment.account(), deployment.account()];
  const engine = deployment.engine();
  const { conversationId } = await aGroup(engine, ada, [bo]);
  for (let n = 0; n < 3; n++) await aMessage(engine, conversationId, ada);
  const receipts = streamId("main", "receipts", conversationId);
  return { ...deployment, here: engine, ada, bo, cy, conversationId, receipts };
}

test("reading raises delivered, too", async () => {
  const { here, bo, conversationId } = await aScene();
  expect(await MarkRead.run({ conversationId, seq: 2 }, asks(bo), here)).toMatchObject({
    body: { read: 2, delivered: 2 },
  });
});

test("what a device has stored is not read by that", async () => {
  const { here, bo, conversationId } = await aScene();
  expect(await MarkDelivered.run({ conversationId, seq: 3 }, asks(bo), here)).toMatchObject({
    body: { read: 0, delivered: 3 },
  });
});

test("what was not sent yet can be neither read nor stored", async () => {
  const { here, bo, conversationId, log, receipts } = await aScene();
  for (const Mark of [MarkRead, MarkDelivered])
    expect(await Mark.run({ conversationId, seq: 4 }, asks(bo), here)).toMatchObject({ rejected: "validation-failed" });
  expect(await recordedIn(log, receipts)).toEqual([]);
});

test("a message that another process just took can be read at once", async () => {
  const { here, engine, ada, bo, conversationId } = await aScene();
  await MarkRead.run({ conversationId, seq: 1 }, asks(bo), here);
  await aMessage(engine(), conversationId, ada);
  expect(await MarkRead.run({ conversationId, seq: 4 }, asks(bo), here)).toMatchObject({ body: { read: 4 } });
});

test("strangers and former members mark nothing", async () => {
  const { here, ada, bo, cy, conversationId, log, receipts } = await aScene();
  answered(await send(here, RemoveMember, { conversationId, userId: bo }, asks(ada)));
  for (const userId of [bo, cy])
    expect(await MarkRead.run({ conversationId, seq: 1 }, asks(userId), here)).toMatchObject({ rejected: "not-found" });
  expect(await MarkRead.run({ conversationId: cy, seq: 0 }, asks(bo), here)).toMatchObject({ rejected: "not-found" });
  expect(await recordedIn(log, receipts)).toEqual([]);
});

test("an event of marks says whose they are, and is nobody's own", async () => {
  const { here, bo, conversationId, log, receipts } = await aScene();
  const deviceId = crypto.randomUUID();
  await MarkRead.run({ conversationId, seq: 3 }, asks(bo, { deviceId }), here);
  const [event] = await recordedIn(log, receipts);
  const marks = [{ userId: bo, deviceId, delivered: 3, read: 3, at: "2026-11-21T08:00:00.000Z" }];
  expect(JSON.parse(event?.data ?? "")).toEqual({ marks });
  expect(JSON.parse(event?.meta ?? "")).toMatchObject({ actorId: null });
});

test("a mark that could not be recorded is refused as unavailable", async () => {
  const { engine, log, bo, conversationId } = await aScene();
  const down = alteredLog(log, { append: () => Promise.reject(new LogUnavailable("the log does not answer")) });
  expect(await MarkRead.run({ conversationId, seq: 1 }, asks(bo), engine({ log: down }))).toMatchObject({
    rejected: "unavailable",
  });
});
