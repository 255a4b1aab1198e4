import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { byTenant } from "../accounts/byTenant.ts";
import { streamId, tenantId } from "../domain/ids.ts";
import {
  type Api,
  apiOf,
  type Body,
  group,
  items,
  type Person,
  passwordOf,
  after as seeing,
  send,
} from "../test/support/apiClient.ts";
import { liveSocket } from "../test/support/apiSocket.ts";
import { startInProcess } from "../test/support/inProcess.ts";
import { Escalations } from "./escalations.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let api: Api;
let people: { ada: Person; bo: Person; cy: Person };
beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
  api = apiOf(server.url);
  const [ada, bo, cy] = await Promise.all([api.person("ada"), api.person("bo"), api.person("cy")]);
  people = { ada, bo, cy };
}, 60_000);
afterAll(() => server?.stop());

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const messagesOf = async (person: Person, conversationId: string) =>
  items(await person.get(`/conversations/${conversationId}/messages`));
const ack = (person: Person, conversationId: string, messageId: string) =>
  person.post(`/conversations/${conversationId}/messages/${messageId}/ack`, {});
/** Resolves with the system message, once it is in the history. */
const noticeIn = async (person: Person, conversationId: string): Promise<Body> => {
  const system = async () => (await messagesOf(person, conversationId)).find(({ kind }) => kind === "system");
  await expect.poll(system, { timeout: 10_000 }).toBeDefined();
  return (await system()) ?? {};
};
const fellDueIn = async (conversationId: string) => {
  let count = 0;
  const stream = streamId("main", "conversation", conversationId);
  for await (const { type } of server.running.foundation.log.readStream(stream))
    if (type === "AcknowledgementFellDue") count++;
  return count;
};
/** As another process sees it whose clock is an hour ahead. */
const inAnHour = () => {
  const { engine, database } = server.running.foundation;
  const ahead = { ...engine, clock: { now: () => engine.clock.now() + 3_600_000 } };
  return new Escalations({
    engine: ahead,
    database,
    by: (tenant) => byTenant(ahead, tenant),
    onTrouble: () => expect.fail("an escalation failed"),
  });
};

describe("a message that is to be acknowledged by a time", () => {
  test("shows who has, is told to whom it says who has not, once, and takes late ones", async () => {
    const { ada, bo, cy } = people;
    const tea = await group(ada, [bo, cy]);
    const bos = await liveSocket(server.url, bo.token);
    const ackBy = inMs(5_000);
    const sent = await send(ada, tea, "who brings the cups?", { ackBy, escalateTo: [bo.userId] });
    expect(await ack(cy, tea, sent.messageId)).toMatchObject({ status: 200 });
    const told = await bos.change(
      "message",
      ({ message }) => z.looseObject({ kind: z.string() }).parse(message).kind === "system",
    );
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(ackBy));
    // Whoever sends is introduced first, Scripta too.
    const introduced = bos.changes().findIndex(({ op, userId }) => op === "user" && userId === tenantId("main"));
    expect(introduced).toBeGreaterThanOrEqual(0);
    expect(introduced).toBeLessThan(bos.changes().findIndex(({ messageId }) => messageId === told.messageId));
    expect(told.message).toMatchObject({
      kind: "system",
      senderId: tenantId("main"),
      text: null,
      replyTo: sent.messageId,
      mentions: [bo.userId],
      overdue: [bo.userId],
      deleted: false,
      erased: false,
    });
    const late = await ack(bo, tea, sent.messageId);
    const { body } = await ada.get(`/conversations/${tea}/messages/${sent.messageId}`, seeing(late));
    expect(body.acknowledgement).toMatchObject({
      ackBy,
      escalateTo: [bo.userId],
      count: 2,
      mine: false,
      acknowledged: [
        { userId: cy.userId, late: false },
        { userId: bo.userId, late: true },
      ],
    });
    // It counts as a message from somebody else that mentions Bo; sync and history say the same as the socket did.
    expect((await bo.get(`/conversations/${tea}`)).body).toMatchObject({ unread: 2, mentions: 1, lastSeq: 2 });
    expect((await ada.get(`/conversations/${tea}`)).body).toMatchObject({ unread: 1, mentions: 0 });
    expect((await messagesOf(bo, tea)).at(-1)).toEqual(told.message);
    const synced = z.object({ changes: z.array(z.looseObject({ message: z.unknown().optional() })) });
    const { changes } = synced.parse((await bo.get("/sync")).body);
    expect(changes.map(({ message }) => message)).toContainEqual(told.message);
    await bos.close();
    expect(await fellDueIn(tea)).toBe(1);
  });

  test("is escalated once, however many look and however often", async () => {
    const { ada, bo, cy } = people;
    const tea = await group(ada, [bo, cy]);
    const sent = await send(ada, tea, "quick", { ackBy: inMs(60_000), escalateTo: [cy.userId] });
    await ada.get("/me", seeing(sent));
    const looking = Array.from({ length: 4 }, () => inAnHour());
    await Promise.all(looking.map((one) => one.escalate()));
    await noticeIn(cy, tea);
    for (const one of looking) await one.escalate();
    expect(await messagesOf(cy, tea)).toHaveLength(2);
    expect(await fellDueIn(tea)).toBe(1);
  });

  test("tells page by page who has acknowledged it and who not yet, of those who were there when it was sent", async () => {
    const { ada, bo, cy } = people;
    const [dot, late] = [await api.person("dot"), await api.person("late")];
    const tea = await group(ada, [bo, cy, dot]);
    const sent = await send(ada, tea, "read this", { ackBy: inMs(60_000) });
    await ada.post(`/conversations/${tea}/members`, { userId: late.userId });
    await ack(cy, tea, sent.messageId);
    const done = await ack(bo, tea, sent.messageId);
    const page = async (query: string) =>
      (await ada.get(`/conversations/${tea}/messages/${sent.messageId}/acks?${query}`, seeing(done))).body;
    const all: Body[] = [];
    let cursor = "";
    do {
      const body = await page(`limit=1${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
      expect(body).toMatchObject({ acknowledged: 2, missing: 1 });
      all.push(...z.array(z.record(z.string(), z.unknown())).length(1).parse(body.items));
      cursor = typeof body.cursor === "string" ? body.cursor : "";
    } while (cursor !== "");
    const told = new Map(all.map(({ userId, at }) => [userId, at === null ? "missing" : "done"]));
    expect(told).toEqual(
      new Map([
        [bo.userId, "done"],
        [cy.userId, "done"],
        [dot.userId, "missing"],
      ]),
    );
    const plain = await send(ada, tea, "just so");
    const refused = await ada.get(`/conversations/${tea}/messages/${plain.messageId}/acks`, seeing(plain));
    expect(refused).toMatchObject({ status: 404, body: { code: "not-found" } });
    expect((await late.get(`/conversations/${tea}/messages/${sent.messageId}/acks`)).status).toBe(404);
  });

  test("that was deleted escalates nothing, and one that all acknowledged tells nobody", async () => {
    const { ada, bo } = people;
    const tea = await group(ada, [bo]);
    const asked = { ackBy: inMs(60_000), escalateTo: [ada.userId] };
    const gone = await send(ada, tea, "never mind", asked);
    const done = await send(ada, tea, "read this", asked);
    await ada.delete(`/conversations/${tea}/messages/${gone.messageId}`);
    const acknowledged = await ack(bo, tea, done.messageId);
    expect(acknowledged.status).toBe(200);
    await ada.get("/me", seeing(acknowledged));
    await inAnHour().escalate();
    expect(await fellDueIn(tea)).toBe(1);
    expect(await messagesOf(ada, tea)).toMatchObject([
      { deleted: true },
      { acknowledgement: { count: 1, acknowledged: [{ userId: bo.userId, late: false }] } },
    ]);
  });

  test("is asked of members, with a time to come", async () => {
    const { ada, bo, cy } = people;
    const tea = await group(ada, [bo]);
    const asking = (more: Body) =>
      ada.post(`/conversations/${tea}/messages`, { messageId: randomUUID(), text: "hear, hear", ...more });
    for (const more of [
      { ackBy: inMs(-1_000), escalateTo: [bo.userId] },
      { ackBy: inMs(367 * 86_400_000), escalateTo: [bo.userId] },
      { ackBy: "tomorrow", escalateTo: [bo.userId] },
      { escalateTo: [bo.userId] },
      { ackBy: inMs(60_000), escalateTo: [cy.userId] },
    ])
      expect(await asking(more)).toMatchObject({ status: 400, body: { code: "validation-failed" } });
    const plain = await send(ada, tea, "just so");
    expect(await ack(bo, tea, plain.messageId)).toMatchObject({ status: 409, body: { code: "conflict" } });
    expect(await asking({ ackBy: inMs(60_000) })).toMatchObject({ status: 201 });
  });
});
