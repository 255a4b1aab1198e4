import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { byTenant } from "../../accounts/byTenant.ts";
import { apiOf, group, items, type Person, passwordOf, send } from "../../test/support/apiClient.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { scripta } from "../../test/support/scriptaProcess.ts";
import { setPolicies } from "../policies/setPolicies.ts";
import { giveApproval } from "./approval.ts";
import { Approvals } from "./approvals.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let api: ReturnType<typeof apiOf>;
let [one, two]: Person[] = [];
beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
  api = apiOf(server.url);
  const root = await api.login("root");
  [one, two] = await Promise.all(["one", "two"].map((name) => api.person(name)));
  for (const officer of [one, two]) await root.put(`/admin/users/${officer?.userId}/roles`, { roles: ["compliance"] });
}, 60_000);
afterAll(() => server?.stop());
const set = (change: Parameters<typeof setPolicies>[2]) =>
  setPolicies(server.running.foundation.engine, "main", change);
beforeEach(() => set({ fourEyes: ["erase", "lift-hold", "export", "shorten-retention"], purpose: "optional" }));

const them = () => {
  if (!one || !two) throw new Error("nobody is there");
  return { one, two };
};
const cli = (...args: string[]) =>
  scripta(args, {
    SCRIPTA_DATA: server.dataFolder,
    SCRIPTA_POSTGRES: server.running.foundation.config.postgres ?? "",
  }).ended;
const erase = (by: Person, userId: string) =>
  by.post("/compliance/erasures", { userId, reason: "asked for by letter" });
const approve = (by: Person, caseId: unknown) => by.post(`/compliance/approvals/${caseId}`);
const statusOf = async (by: Person, erasureId: unknown) =>
  (await by.get(`/compliance/erasures/${erasureId}`)).body.status;
async function comes(by: Person, erasureId: unknown, status: string) {
  const until = performance.now() + 20_000;
  while ((await statusOf(by, erasureId)) !== status) {
    if (performance.now() > until) throw new Error(`it does not come to ${status}`);
    await pause(50);
  }
}

test("an erasure waits for a second officer, and nothing of the person goes until then", async () => {
  const { one, two } = them();
  const [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const tea = await group(ada, [bo]);
  const said = await send(ada, tea, "still here");
  const asked = await erase(one, ada.userId);
  expect(asked).toMatchObject({ status: 202, body: { status: "waiting" } });
  const { erasureId } = asked.body;
  expect(await statusOf(two, erasureId)).toBe("waiting");
  expect((await ada.get("/me")).status).toBe(200);
  expect((await bo.get(`/conversations/${tea}/messages/${said.messageId}`)).body).toMatchObject({ text: "still here" });

  const approved = await approve(two, erasureId);
  expect(approved).toMatchObject({ status: 200, body: { caseId: erasureId, action: "erase" } });
  await comes(two, erasureId, "done");
  expect((await bo.get(`/conversations/${tea}/messages/${said.messageId}`)).body).toMatchObject({ erased: true });
  expect((await approve(two, erasureId)).body).toEqual(approved.body);

  const log = items(await two.get(`/compliance/access?userId=${ada.userId}&limit=200`));
  const told = log.filter(({ action }) => action === "approve" || action === "ask-approval");
  expect(told).toMatchObject([
    { action: "approve", userId: two.userId, about: { caseId: erasureId, askedBy: one.userId } },
    { action: "approve", userId: two.userId },
    { action: "ask-approval", userId: one.userId, purpose: "asked for by letter" },
  ]);
}, 40_000);

test("who asked never approves: not on another device, not after a change of roles, not by asking again", async () => {
  const { one, two } = them();
  const root = await api.login("root");
  const ada = await api.person("ada");
  const { erasureId } = (await erase(one, ada.userId)).body;
  expect((await approve(one, erasureId)).status).toBe(403);
  const tablet = await api.login(one.username, "tablet");
  expect((await approve(tablet, erasureId)).status).toBe(403);
  await root.put(`/admin/users/${one.userId}/roles`, { roles: [] });
  expect((await approve(tablet, erasureId)).status).toBe(403);
  await root.put(`/admin/users/${one.userId}/roles`, { roles: ["compliance", "auditor"] });
  const again = await api.login(one.username, "new");
  expect((await approve(again, erasureId)).status).toBe(403);
  expect((await approve(again, (await erase(again, ada.userId)).body.erasureId)).status).toBe(403);
  expect(await statusOf(two, erasureId)).toBe("waiting");
  await root.put(`/admin/users/${two.userId}/roles`, { roles: ["auditor"] });
  expect((await approve(two, erasureId)).status).toBe(403);
  await root.put(`/admin/users/${two.userId}/roles`, { roles: ["compliance"] });
});

test("a hold stands until its lifting is approved", async () => {
  const { one, two } = them();
  const ada = await api.person("ada");
  const hold = await one.post("/compliance/holds", { conversationId: await group(ada, []), reason: "a lawsuit" });
  const { holdId } = hold.body;
  const standing = async () => items(await two.get("/compliance/holds")).map((it) => it.holdId);
  expect(await two.delete(`/compliance/holds/${holdId}`)).toMatchObject({ status: 202, body: { status: "waiting" } });
  expect(await two.delete(`/compliance/holds/${holdId}`)).toMatchObject({ status: 202 });
  expect((await approve(two, holdId)).status).toBe(403);
  expect(await standing()).toContain(holdId);
  expect(await approve(one, holdId)).toMatchObject({ status: 200, body: { action: "lift-hold" } });
  expect(await standing()).not.toContain(holdId);
});

test("what nobody approves in seven days has lapsed, and is asked for anew", async () => {
  const { one, two } = them();
  const ada = await api.person("ada");
  const hold = await one.post("/compliance/holds", { userId: ada.userId, reason: "a lawsuit" });
  const caseId = z.string().parse(hold.body.holdId);
  expect((await one.delete(`/compliance/holds/${caseId}`)).status).toBe(202);
  const bo = await api.person("bo");
  const { erasureId } = (await erase(one, bo.userId)).body;
  const { clock } = server.running.foundation.engine;
  const real = clock.now.bind(clock);
  const later = vi.spyOn(clock, "now").mockImplementation(() => real() + 8 * 86_400_000);
  try {
    // A week later everybody signs in anew.
    const [first, second] = [await api.login(one.username, "later"), await api.login(two.username, "later")];
    expect((await approve(second, caseId)).status).toBe(410);
    expect((await approve(second, erasureId)).status).toBe(410);
    expect(await statusOf(second, erasureId)).toBe("lapsed");
    expect((await first.delete(`/compliance/holds/${caseId}`)).status).toBe(202);
    expect((await approve(second, caseId)).status).toBe(200);
  } finally {
    later.mockRestore();
  }
});

test("without the policy nothing waits, and what is not there cannot be approved", async () => {
  const { one, two } = them();
  await set({ fourEyes: [] });
  const hold = await one.post("/compliance/holds", { conversationId: await group(one, []), reason: "a lawsuit" });
  const { holdId } = hold.body;
  expect((await approve(two, holdId)).status).toBe(404);
  expect(await one.delete(`/compliance/holds/${holdId}`)).toMatchObject({ status: 200, body: { status: "lifted" } });
  expect((await approve(two, crypto.randomUUID())).status).toBe(404);
});

test("an organisation that wants to know why refuses whoever reads for others without a purpose", async () => {
  const { one } = them();
  await set({ purpose: "required" });
  expect((await one.get("/compliance/holds")).status).toBe(400);
  expect((await one.get("/compliance/holds", { headers: { "scripta-purpose": "the%20yearly%20review" } })).status).toBe(
    200,
  );
  await set({ purpose: "optional" });
  expect((await one.get("/compliance/holds")).status).toBe(200);
});

const waiting = async (by: Person) => items(await by.get("/compliance/approvals"));
const retention = async (by: Person) => (await by.get("/compliance/retention")).body.rules;

test("what waits is listed with who asked and what for, until it is approved; the operator sees the same", async () => {
  const { one, two } = them();
  const ada = await api.person("ada");
  const { erasureId } = (await erase(one, ada.userId)).body;
  const mine = async () => (await waiting(two)).filter(({ caseId }) => caseId === erasureId);
  expect(await mine()).toMatchObject([
    {
      status: "waiting",
      what: { action: "erase", caseId: erasureId, userId: ada.userId },
      askedBy: one.userId,
      reason: "asked for by letter",
    },
  ]);
  const listed = await cli("approvals");
  expect([listed.code, listed.stdout]).toEqual([0, expect.stringMatching(new RegExp(`${erasureId}.*erase.*waiting`))]);
  const log = items(await two.get("/compliance/access?action=list-approvals"));
  expect(log.map(({ userId }) => userId)).toEqual([null, two.userId]);
  await approve(two, erasureId);
  expect(await mine()).toEqual([]);
});

test("where exports wait, nothing is given out before another agreed, nor what was asked for before the rule", async () => {
  const { one, two } = them();
  const tea = await group(one, []);
  const asked = { kind: "conversation", conversationIds: [tea] };
  await set({ fourEyes: [] });
  const early = (await one.post("/compliance/exports", asked)).body;
  await set({ fourEyes: ["export"] });
  const archive = ({ exportId }: { exportId?: unknown }) =>
    fetch(`${server.url}/api/v1/compliance/exports/${exportId}/archive`, {
      headers: { authorization: `Bearer ${one.token}` },
    });
  expect((await archive(early)).status).toBe(409);
  const { status, body } = await one.post("/compliance/exports", asked);
  expect([status, body.status]).toEqual([202, "waiting"]);
  expect((await one.get(`/compliance/exports/${body.exportId}`)).body).toMatchObject({ status: "waiting", ...asked });
  expect((await archive(body)).status).toBe(404);
  expect((await approve(one, body.exportId)).status).toBe(403);
  expect(await approve(two, body.exportId)).toMatchObject({ status: 200, body: { action: "export" } });
  expect((await one.get(`/compliance/exports/${body.exportId}`)).body).toMatchObject({ status: "ready" });
  const given = await archive(body);
  expect([given.status, (await given.arrayBuffer()).byteLength > 1_000]).toEqual([200, true]);
  const own = await cli("export", "--conversation", tea, "--json");
  const { exportId } = JSON.parse(own.stdout);
  expect([own.code, JSON.parse(own.stdout)]).toMatchObject([0, { status: "waiting" }]);
  const out = join(server.dataFolder, "approved.zip");
  expect((await cli("export", "--approved", exportId, "--out", out)).stderr).toContain("scripta approvals lists");
  await approve(two, exportId);
  expect((await cli("export", "--approved", exportId, "--out", out)).code).toBe(0);
}, 60_000);

test("where shortening retention waits, rules that keep longer are set at once, and shorter ones once approved", async () => {
  const { one, two } = them();
  const put = (rules: readonly object[]) => one.put("/compliance/retention", { rules });
  expect(await put([{ days: 3650 }])).toMatchObject({ status: 202, body: { status: "waiting" } });
  expect(await retention(two)).toEqual([]);
  const { caseId } = (await put([{ days: 3650 }])).body;
  expect((await approve(one, caseId)).status).toBe(403);
  expect(await approve(two, caseId)).toMatchObject({ status: 200, body: { action: "shorten-retention" } });
  expect(await retention(two)).toEqual([{ days: 3650 }]);
  expect(await put([{ days: 7300 }])).toMatchObject({ status: 200, body: { status: "set" } });
  expect(await retention(two)).toEqual([{ days: 7300 }]);
  expect(await put([])).toMatchObject({ status: 200, body: { status: "set" } });
});

test("what was approved by somebody who was killed then is carried out by whoever starts next, once", async () => {
  const { one, two } = them();
  const [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const held = await one.post("/compliance/holds", { userId: bo.userId, reason: "a lawsuit" });
  const hold = await one.post("/compliance/holds", { conversationId: await group(ada, []), reason: "a lawsuit" });
  const cases = {
    erasure: (await erase(one, ada.userId)).body.erasureId,
    lift: hold.body.holdId,
    export: (await one.post("/compliance/exports", { kind: "person", userId: ada.userId })).body.exportId,
    days: (await one.put("/compliance/retention", { rules: [{ days: 36_500 }] })).body.caseId,
  };
  await one.delete(`/compliance/holds/${cases.lift}`);
  const { engine } = server.running.foundation;
  const approving = { ...byTenant(engine, "main"), userId: two.userId };
  for (const caseId of Object.values(cases))
    expect(await giveApproval(engine, String(caseId), approving)).toBeUndefined();
  expect(await statusOf(two, cases.erasure)).toBe("waiting");
  const next = () =>
    new Approvals({
      compliance: server.running.foundation.compliance,
      onTrouble: (error) => expect.fail(String(error)),
    });
  await Promise.all([next().goOn(), next().goOn()]);
  await next().goOn();
  await comes(two, cases.erasure, "done");
  expect(items(await two.get("/compliance/holds")).map(({ holdId }) => holdId)).toEqual([held.body.holdId]);
  expect((await one.get(`/compliance/exports/${cases.export}`)).body).toMatchObject({ status: "ready" });
  expect(await retention(two)).toEqual([{ days: 36_500 }]);
  expect((await waiting(two)).map(({ caseId }) => caseId)).not.toContain(cases.erasure);
  await one.delete(`/compliance/holds/${held.body.holdId}`);
  await set({ fourEyes: [] });
  await one.put("/compliance/retention", { rules: [] });
}, 60_000);

test("the operator sets the policy, and is one pair of eyes", async () => {
  const { two } = them();
  await set({ fourEyes: [] });
  const ada = await api.person("ada");
  const policy = await cli("policy", "set", "four-eyes", "on", "--json");
  expect([policy.code, JSON.parse(policy.stdout)]).toEqual([
    0,
    { fourEyes: ["erase", "lift-hold"], purpose: "optional" },
  ]);
  const asked = await cli("erase", ada.username, "--reason", "asked for", "--json");
  const { erasureId, status } = JSON.parse(asked.stdout);
  expect([asked.code, status]).toEqual([0, "waiting"]);
  const own = await cli("approve", erasureId);
  expect([own.code, own.stderr]).toEqual([1, expect.stringContaining("who asked for it does not approve it")]);
  expect((await approve(two, erasureId)).status).toBe(200);
  const wrong = await cli("policy", "set", "four-eyes", "sometimes");
  expect([wrong.code, wrong.stderr]).toEqual([
    1,
    expect.stringContaining("four-eyes is on (erase,lift-hold), off, all"),
  ]);
}, 60_000);
