import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { verifyLog } from "../../operator/verify/verifyLog.ts";
import { after, apiOf, group, items, type Person, passwordOf, type Sent, send } from "../../test/support/apiClient.ts";
import { liveSocket } from "../../test/support/apiSocket.ts";
import { startInProcess } from "../../test/support/inProcess.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let [officer, clinician, colleague, ada, bo]: Person[] = [];
let ward: string;
let said: Sent;
beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
  const api = apiOf(server.url);
  officer = await api.login("root");
  [clinician, colleague, ada, bo] = await Promise.all(
    ["clinician", "colleague", "ada", "bo"].map((one) => api.person(one)),
  );
  for (const one of [clinician, colleague])
    await officer.put(`/admin/users/${one?.userId}/roles`, { roles: ["break-glass"] });
  const { ada: owner, bo: other } = them();
  ward = await group(owner, [other], "the ward");
  said = await send(owner, ward, "no penicillin");
  await owner.get("/me", after(said));
}, 60_000);
afterAll(() => server?.stop());

const them = () => {
  if (!officer || !clinician || !colleague || !ada || !bo) throw new Error("nobody is there");
  return { officer, clinician, colleague, ada, bo };
};
const read = (by: Person, query = "") => by.get(`/compliance/conversations/${ward}/messages${query}`);
const open = (by: Person, more: object = {}) =>
  by.post("/compliance/break-glass", {
    body: { conversationId: ward, reason: "found unconscious", minutes: 1, ...more },
  });

test("it opens at once, members are told by whom and until when, and the officer by the log of accesses", async () => {
  const { officer, clinician, ada, bo } = them();
  expect((await read(clinician)).status).toBe(404);
  const socket = await liveSocket(server.url, bo.token);
  const opened = await open(clinician);
  expect(opened).toMatchObject({ status: 200, body: { until: expect.stringMatching(/Z$/) } });
  const told = (await socket.change("message", ({ messageId }) => messageId === opened.body.messageId)).message;
  expect(await socket.change("user", ({ userId }) => userId === clinician.userId)).toMatchObject({
    displayName: "clinician",
  });
  expect(told).toMatchObject({ messageId: opened.body.messageId, kind: "system", senderId: clinician.userId, seq: 2 });
  expect(JSON.stringify(told)).toContain(String(opened.body.until));
  expect(JSON.stringify(socket.frames)).not.toContain("unconscious");
  await socket.close();

  const page = await read(clinician);
  expect(items(page).map(({ text }) => text)).toEqual(["no penicillin", expect.stringContaining("Emergency access")]);
  const looked = items(await officer.get(`/compliance/access?conversationId=${ward}`));
  expect(looked).toMatchObject([
    {
      userId: clinician.userId,
      deviceId: clinician.deviceId,
      action: "read-conversation",
      about: { grantId: opened.body.grantId },
    },
    { userId: clinician.userId, action: "break-glass", purpose: "found unconscious", about: { minutes: 1 } },
  ]);
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  expect(metrics).toContain("scripta_break_glass_total 1");
  const inHistory = items(await ada.get(`/conversations/${ward}/messages`));
  expect(inHistory.at(-1)).toMatchObject({ kind: "system", senderId: clinician.userId });
});

test("it gives nothing else: no other conversation, no past, no membership, and nobody else anything", async () => {
  const { clinician, colleague, ada } = them();
  const another = await group(ada, []);
  await open(clinician);
  expect((await clinician.get(`/compliance/conversations/${another}/messages`)).status).toBe(404);
  expect((await read(colleague)).status).toBe(404);
  expect((await read(clinician, `?asOf=${said.position}`)).status).toBe(403);
  for (const path of [`/conversations/${ward}/messages`, `/conversations/${ward}`])
    expect((await clinician.get(path)).status).toBe(404);
  expect((await clinician.get(`/compliance/conversations/${ward}/messages/${said.messageId}/proof`)).status).toBe(403);
  expect((await clinician.get("/compliance/access")).status).toBe(403);
  expect(JSON.stringify((await clinician.get("/sync")).body)).not.toContain("penicillin");
});

test("it ends by itself, and before its time by whoever opened it or an officer", async () => {
  const { officer, clinician, colleague } = them();
  await open(clinician);
  expect((await read(clinician)).status).toBe(200);
  const { clock } = server.running.foundation.engine;
  const real = clock.now.bind(clock);
  const later = vi.spyOn(clock, "now").mockImplementation(() => real() + 61_000);
  const expired = await read(clinician);
  later.mockRestore();
  expect(expired.status).toBe(404);

  const { grantId } = (await open(clinician, { minutes: 480 })).body;
  expect((await colleague.delete(`/compliance/break-glass/${grantId}`)).status).toBe(404);
  const ended = await clinician.delete(`/compliance/break-glass/${grantId}`);
  expect(ended.status).toBe(200);
  expect((await clinician.delete(`/compliance/break-glass/${grantId}`)).body).toMatchObject({
    revision: ended.body.revision,
  });
  expect((await read(clinician)).status).toBe(404);
  await open(clinician, { minutes: 480 });
  expect((await read(clinician)).status).toBe(200);
  expect((await officer.delete(`/compliance/break-glass/${grantId}`)).status).toBe(200);
  expect((await read(clinician)).status).toBe(404);
});

test("it takes the role, a reason, and a time that is not long, and what is not there cannot be opened", async () => {
  const { officer, clinician, ada } = them();
  expect((await open(ada)).status).toBe(403);
  expect((await open(officer)).status).toBe(403);
  for (const bad of [
    { reason: " " },
    { reason: undefined },
    { minutes: 0 },
    { minutes: 481 },
    { minutes: 1.5 },
    { until: "x" },
  ])
    expect({ bad, status: (await open(clinician, bad)).status }).toEqual({ bad, status: 400 });
  expect((await open(clinician, { conversationId: crypto.randomUUID() })).status).toBe(404);
  const { status, body } = await open(clinician);
  await officer.put(`/admin/users/${clinician.userId}/roles`, { roles: [] });
  expect([status, (await read(clinician)).status]).toEqual([200, 403]);
  await officer.put(`/admin/users/${clinician.userId}/roles`, { roles: ["break-glass"] });
  await officer.delete(`/compliance/break-glass/${body.grantId}`);
});

test("asked for twice with one key it is opened once, for the time of the first", async () => {
  const { clinician, ada } = them();
  const key = { "idempotency-key": crypto.randomUUID() };
  const asked = { body: { conversationId: ward, reason: "once", minutes: 3 }, headers: key };
  const first = await clinician.post("/compliance/break-glass", asked);
  const again = await clinician.post("/compliance/break-glass", asked);
  expect(again).toMatchObject({ status: 200, body: first.body });
  const told = items(await ada.get(`/conversations/${ward}/messages`, after(again)));
  expect(told.filter(({ messageId }) => messageId === first.body.messageId)).toHaveLength(1);
});

test("where the log of accesses cannot be written nothing opens and nobody is told", async () => {
  const { clinician, ada, officer } = them();
  const { database } = server.running.foundation;
  const { grantId } = (await open(clinician)).body;
  const ended = await officer.delete(`/compliance/break-glass/${grantId}`);
  const before = (await ada.get(`/conversations/${ward}`, after(ended))).body.lastSeq;
  await database.query("alter table compliance.access_log rename to taken_away");
  const refused = await open(clinician);
  await database.query("alter table compliance.taken_away rename to access_log");
  expect(refused.status).toBe(503);
  expect((await ada.get(`/conversations/${ward}`)).body.lastSeq).toBe(before);
  expect((await read(clinician)).status).toBe(404);
});

test("what it leaves in the log breaks no promise", async () => {
  const { database, keys, engine, log } = server.running.foundation;
  const verified = await verifyLog(
    { database, secrets: keys.secrets, snapshots: engine.snapshots, log },
    { most: 10, readModels: true, progress: { begin: () => {}, step: () => {} } },
  );
  expect(verified.deviations).toEqual([]);
}, 30_000);
