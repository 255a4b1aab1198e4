import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { streamId } from "../../domain/ids.ts";
import { after, type Body, group } from "../../test/support/apiClient.ts";
import { liveSocket } from "../../test/support/apiSocket.ts";
import { startWithOfficer } from "../../test/support/officer.ts";
import { sealedBeforeRedaction } from "./redactName.ts";

const { server, api, officer, erasure } = await startWithOfficer();
afterAll(() => server.stop());

const Id = z.uuid();
const reason = "asked for it by letter";

async function erased(request: object): Promise<Body> {
  const asked = await officer.post("/compliance/erasures", { body: { reason, ...request } });
  expect(asked).toMatchObject({ status: 202 });
  return erasure(asked.body.erasureId, ({ status }) => status === "done");
}

test("a redacted name is null everywhere, in the past too; the description stays, and the next name is one like any other", async () => {
  const [ada, bo] = await Promise.all([api.person("lovelace"), api.person("bo")]);
  const here = await group(bo, [ada], "Lovelace first");
  const there = await group(bo, [ada], "Lovelace elsewhere");
  const path = `/conversations/${here}`;
  await bo.patch(path, { name: "Lovelace second", description: "at two" });
  const last = await bo.patch(path, { name: "Lovelace third" });
  const { body: before } = await bo.get(path, after(last));
  expect(before).toMatchObject({ name: "Lovelace third", description: "at two" });
  const socket = await liveSocket(server.url, bo.token);
  const { body: synced } = await bo.get("/sync");

  const report = await erased({ userId: ada.userId, redactNames: [here, here] });
  expect(report.namesToReview).toEqual(expect.arrayContaining([here, there]));
  // Three names and a description, as they were said.
  expect(report.sinks).toContainEqual(expect.objectContaining({ name: "names", status: "done", items: 4 }));
  await socket.change("conversation", ({ conversationId, conversation }) => {
    const shown = z.looseObject({ name: z.string().nullable() }).parse(conversation);
    return conversationId === here && shown.name === null;
  });

  const at = after({ position: z.int().parse(report.position) });
  expect((await bo.get(path, at)).body).toMatchObject({ name: null, description: "at two" });
  expect((await bo.get(`/conversations/${there}`)).body).toMatchObject({ name: "Lovelace elsewhere" });
  const since = JSON.stringify((await bo.get(`/sync?cursor=${synced.cursor}`)).body);
  expect(since).toContain(here);
  for (const answer of [since, JSON.stringify((await bo.get("/sync")).body)])
    for (const name of ["Lovelace first", "Lovelace second", "Lovelace third"]) expect(answer).not.toContain(name);
  const then = await officer.get(`/compliance/conversations/${here}/messages?asOf=${last.body.position}`);
  expect(then).toMatchObject({ status: 200, body: { conversation: { name: null, description: null } } });

  const { log, sealing } = server.running.foundation;
  const sealed = await sealedBeforeRedaction(log, {
    tenant: "main",
    conversationId: here,
    erasureId: Id.parse(report.erasureId),
  });
  expect((await sealing.open(sealed)).map(({ state }) => state)).toEqual(sealed.map(() => "erased"));
  const renamed = await bo.patch(path, { name: "Lovelace third", description: "at three" });
  expect(renamed.status).toBe(200);
  expect((await bo.get(path, after(renamed))).body).toMatchObject({ name: "Lovelace third", description: "at three" });
  await socket.close();

  const [cy] = await Promise.all([api.person("cy")]);
  await erased({ userId: cy.userId, redactNames: [here] });
  expect((await bo.get(path)).body).toMatchObject({ name: null, description: "at three" });
  expect((await bo.patch(path, { name: "Supper" })).status).toBe(200);
  const redactions = [];
  for await (const event of log.readStream(streamId("main", "conversation", here)))
    if (event.type === "ConversationNameRedacted") redactions.push(event);
  expect(redactions).toHaveLength(2);
  expect(
    redactions.map(({ meta }) => z.looseObject({ actorId: z.null() }).safeParse(JSON.parse(meta)).success),
  ).toEqual([true, true]);
}, 60_000);

test("what has no name to redact is refused, and so is a name under a hold, which a partial erasure keeps for it", async () => {
  const [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const here = await group(bo, [], "The ada room");
  const direct = await bo.post("/conversations", { body: { kind: "direct", userId: ada.userId } });
  const ask = (redactNames: unknown, more = {}) =>
    officer.post("/compliance/erasures", { body: { userId: ada.userId, reason, redactNames, ...more } });
  expect(await ask([crypto.randomUUID()])).toMatchObject({ status: 404, body: { code: "not-found" } });
  expect(await ask([direct.body.conversationId])).toMatchObject({ status: 404 });
  expect(await ask(["here"])).toMatchObject({ status: 400 });

  const { holds } = server.running.foundation.compliance;
  const [{ sealed: name } = { sealed: null }] = await namesOf(here);
  const redactOnce = await api.person("zoe");
  await erased({ userId: redactOnce.userId, redactNames: [here] });
  await bo.patch(`/conversations/${here}`, { name: "The ada room again" });
  const [, again] = await namesOf(here);
  const placed = await officer.post("/compliance/holds", { conversationId: here, reason: "a lawsuit" });
  expect(placed.status).toBe(201);
  expect(await ask([here])).toMatchObject({ status: 409, body: { code: "held" } });
  await erased({ userId: ada.userId, redactNames: [here], partial: true });
  expect((await bo.get(`/conversations/${here}`)).body).toMatchObject({ name: null });
  const kept = async (part: typeof name | undefined) => {
    if (!part) throw new Error("no name was sealed");
    const { subject, bucket } = part;
    return (await holds.heldKeys("main", [{ stream: streamId("main", "conversation", here), subject, bucket }]))[0];
  };
  // What was gone before the hold came stays gone.
  expect(await kept(name)).toBeUndefined();
  expect(await kept(again?.sealed)).toHaveLength(32);
  await officer.delete(`/compliance/holds/${placed.body.holdId}`);
  expect(await kept(again?.sealed)).toBeUndefined();
}, 60_000);

async function namesOf(conversationId: string) {
  const names = [];
  for await (const event of server.running.foundation.log.readStream(streamId("main", "conversation", conversationId)))
    if (event.type === "ConversationRenamed") names.push(event);
  return names;
}
