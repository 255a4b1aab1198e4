import { randomUUID } from "node:crypto";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { after, group, send } from "../../test/support/apiClient.ts";
import { startWithOfficer } from "../../test/support/officer.ts";

const { server, api, officer, erasure } = await startWithOfficer();
afterAll(() => server.stop());

const Id = z.uuid();
const Items = z.object({ items: z.array(z.looseObject({ messageId: z.string() })) });

const comes = (erasureId: unknown, wished: string) => erasure(erasureId, ({ status }) => status === wished);

test("what a hold covers outlives its author's erasure, for compliance alone, until the hold is lifted", async () => {
  const [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const [held, free] = [await group(ada, [bo]), await group(ada, [bo])];
  const said = await send(ada, held, "the word of ada");
  const deleted = await send(ada, held, "the regret of ada");
  const edited = await ada.patch(`/conversations/${held}/messages/${said.messageId}`, { text: "the better word" });
  const gone = await ada.delete(`/conversations/${held}/messages/${deleted.messageId}`);
  const elsewhere = await send(ada, free, "ada elsewhere");
  expect([edited.status, gone.status]).toEqual([200, 200]);

  const key = { "idempotency-key": randomUUID() };
  const asked = { body: { conversationId: held, reason: "a lawsuit" }, headers: key };
  const placed = await officer.post("/compliance/holds", asked);
  expect(placed.status).toBe(201);
  expect((await officer.post("/compliance/holds", asked)).body).toEqual(placed.body);
  const holdId = Id.parse(placed.body.holdId);
  expect((await officer.get("/compliance/holds")).body).toMatchObject({
    items: [{ holdId, conversationId: held, reason: "a lawsuit" }],
  });

  const erase = { userId: ada.userId, reason: "asked for it" };
  expect(await officer.post("/compliance/erasures", erase)).toMatchObject({ status: 409, body: { code: "held" } });
  expect((await bo.get(`/conversations/${held}/messages/${said.messageId}`)).body).toMatchObject({ erased: false });
  const { body } = await officer.post("/compliance/erasures", { ...erase, partial: true });
  const report = await comes(body.erasureId, "done");
  expect(report).toMatchObject({ partial: true });

  const at = after({ position: z.int().parse(report.position) });
  for (const [conversationId, messageId] of [
    [held, said.messageId],
    [free, elsewhere.messageId],
  ])
    expect((await bo.get(`/conversations/${conversationId}/messages/${messageId}`, at)).body).toMatchObject({
      erased: true,
      text: null,
    });
  const page = await officer.get(`/compliance/holds/${holdId}/messages`);
  expect(page.body).toMatchObject({
    items: [
      { messageId: said.messageId, state: "held", text: "the word of ada", edit: false },
      { messageId: deleted.messageId, state: "held", text: "the regret of ada" },
      { messageId: said.messageId, state: "held", text: "the better word", edit: true },
    ],
    next: null,
  });
  const first = await officer.get(`/compliance/holds/${holdId}/messages?limit=1`);
  expect(first.body).toMatchObject({ items: [{ text: "the word of ada" }], next: expect.any(Number) });
  const rest = await officer.get(`/compliance/holds/${holdId}/messages?after=${first.body.next}`);
  expect(Items.parse(rest.body).items).toHaveLength(2);
  expect((await bo.get(`/compliance/holds/${holdId}/messages`)).status).toBe(403);
  const { rows } = await server.running.foundation.database.query(
    "select actor from compliance.access_log where action = 'read-held' and about->>'holdId' = $1",
    [holdId],
  );
  expect(rows).toEqual(Array.from({ length: 3 }, () => ({ actor: officer.userId })));

  expect((await officer.delete(`/compliance/holds/${holdId}`)).status).toBe(200);
  expect((await officer.delete(`/compliance/holds/${holdId}`)).status).toBe(200);
  expect((await officer.get(`/compliance/holds/${holdId}/messages`)).status).toBe(404);
  expect((await officer.get("/compliance/holds")).body).toEqual({ items: [] });
  const kept = await server.running.foundation.database.query("select from keys.held_keys");
  expect(kept.rowCount).toBe(0);
}, 40_000);

test("a hold reads nothing of a conversation that is not in its scope, nor a word of anybody else's", async () => {
  const [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const [here, there] = [await group(ada, [bo]), await group(ada, [bo])];
  await send(ada, here, "by ada, here");
  await send(bo, here, "by bo, here");
  await send(ada, there, "by ada, there");
  const place = async (scope: object) =>
    Id.parse((await officer.post("/compliance/holds", { ...scope, reason: "a lawsuit" })).body.holdId);
  const onAda = await place({ userId: ada.userId });
  const both = await place({ conversationId: here, userId: ada.userId });
  const past = await place({ conversationId: here, to: "2020-01-01T00:00:00+02:00" });
  const texts = async (path: string) => {
    const { body } = await officer.get(`/compliance/holds/${path}`);
    return Items.parse(body).items.map(({ text }) => text);
  };
  expect(await texts(`${both}/messages`)).toEqual(["by ada, here"]);
  expect(await texts(`${onAda}/messages?conversationId=${there}`)).toEqual(["by ada, there"]);
  expect(await texts(`${past}/messages`)).toEqual([]);
  expect((await officer.get(`/compliance/holds/${onAda}/messages`)).status).toBe(400);
  expect((await officer.get(`/compliance/holds/${both}/messages?conversationId=${there}`)).status).toBe(404);
  expect((await officer.post("/compliance/holds", { reason: "nothing" })).status).toBe(400);
  expect((await officer.post("/compliance/holds", { conversationId: randomUUID(), reason: "no" })).status).toBe(404);
  for (const holdId of [onAda, both, past]) await officer.delete(`/compliance/holds/${holdId}`);
});

test("an erasure that a hold stopped on its way goes on by itself once the hold is lifted", async () => {
  const [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const here = await group(ada, [bo]);
  const said = await send(ada, here, "the word of ada");
  const erase = { userId: ada.userId, reason: "asked for it" };
  // Placed at the same moment: whichever of the two is first, nothing is half.
  const [placed, asked] = await Promise.all([
    officer.post("/compliance/holds", { conversationId: here, reason: "a lawsuit" }),
    officer.post("/compliance/erasures", erase),
  ]);
  const holdId = Id.parse(placed.body.holdId);
  const { body: page } = await officer.get(`/compliance/holds/${holdId}/messages`);
  if (asked.status === 409) expect(page).toMatchObject({ items: [{ state: "readable" }] });
  await officer.delete(`/compliance/holds/${holdId}`);
  const again = asked.status === 409 ? await officer.post("/compliance/erasures", erase) : asked;
  await comes(again.body.erasureId, "done");
  expect((await bo.get(`/conversations/${here}/messages/${said.messageId}`)).body).toMatchObject({ erased: true });
}, 40_000);
