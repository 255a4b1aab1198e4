import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { apiOf, group, items, type Person, passwordOf, send } from "../../test/support/apiClient.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { scripta } from "../../test/support/scriptaProcess.ts";
import { setPolicies } from "../policies/setPolicies.ts";

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
beforeEach(() => set({ fourEyes: true, purpose: "optional" }));

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
  await set({ fourEyes: false });
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

test("the operator sets the policy, and is one pair of eyes", async () => {
  const { two } = them();
  await set({ fourEyes: false });
  const ada = await api.person("ada");
  const policy = await cli("policy", "set", "four-eyes", "on", "--json");
  expect([policy.code, JSON.parse(policy.stdout)]).toEqual([0, { fourEyes: true, purpose: "optional" }]);
  const asked = await cli("erase", ada.username, "--reason", "asked for", "--json");
  const { erasureId, status } = JSON.parse(asked.stdout);
  expect([asked.code, status]).toEqual([0, "waiting"]);
  const own = await cli("approve", erasureId);
  expect([own.code, own.stderr]).toEqual([1, expect.stringContaining("who asked for it does not approve it")]);
  expect((await approve(two, erasureId)).status).toBe(200);
  const wrong = await cli("policy", "set", "four-eyes", "sometimes");
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("four-eyes is on or off")]);
}, 60_000);
