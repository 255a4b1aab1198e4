import { afterAll, beforeAll, expect, test } from "vitest";
import { bootstrapAdmin, foundTenant } from "../../accounts/foundTenant.ts";
import { after, apiOf, group, items, type Person, passwordOf, type Sent, send } from "../../test/support/apiClient.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { scripta } from "../../test/support/scriptaProcess.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let [officer, auditor, ada, bo]: Person[] = [];
let tea: string;
let other: string;
let said: Sent;
beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
  const api = apiOf(server.url);
  officer = await api.login("root");
  [auditor, ada, bo] = [await api.person("auditor"), await api.person("ada"), await api.person("bo")];
  await officer.put(`/admin/users/${auditor.userId}/roles`, { roles: ["auditor"] });
  [tea, other] = [await group(ada, [bo]), await group(bo, [])];
  said = await send(ada, tea, "said once");
  await officer.get("/me", after(await send(bo, other, "said elsewhere")));
}, 60_000);
afterAll(() => server?.stop());

const them = () => {
  if (!officer || !auditor || !ada || !bo) throw new Error("nobody is there");
  return { officer, auditor, ada, bo };
};
const told = async (by: Person, query = "") => items(await by.get(`/compliance/access?${query}`));
const read = (by: Person, conversation: string, headers: Record<string, string> = {}) =>
  by.get(`/compliance/conversations/${conversation}/messages`, { headers });
const cli = (...args: string[]) =>
  scripta(args, {
    SCRIPTA_DATA: server.dataFolder,
    SCRIPTA_POSTGRES: server.running.foundation.config.postgres ?? "",
  }).ended;

test("who read a conversation is told with device, time and purpose, and that this is asked is told, too", async () => {
  const { officer, auditor } = them();
  const purpose = "the complaint of März \u001b[31m";
  expect((await read(auditor, tea, { "scripta-purpose": encodeURIComponent(purpose) })).status).toBe(200);
  const page = await officer.get(`/compliance/access?conversationId=${tea}&purpose=looking%20after%20the%20auditor`);
  expect(items(page)[0]).toMatchObject({
    userId: auditor.userId,
    deviceId: auditor.deviceId,
    action: "read-conversation",
    purpose,
    purposeState: "readable",
    about: { conversationId: tea, first: 1, last: 1 },
    at: expect.stringMatching(/^\d{4}-.*Z$/),
  });
  expect((await told(officer, `by=${officer.userId}`))[0]).toMatchObject({
    action: "read-accesses",
    purpose: "looking after the auditor",
    about: { conversationId: tea },
  });
  const { rows } = await server.running.foundation.database.query<{ text: string }>(
    "select string_agg(about::text, ' ') as text from compliance.access_log",
  );
  expect(rows[0]?.text).toContain(tea);
  expect(rows[0]?.text).not.toContain("complaint");
});

test("a message is found in the pages, the holds and the proofs that showed it, and in no others", async () => {
  const { officer, ada } = them();
  const second = await send(ada, tea, "said twice");
  await officer.get("/me", after(second));
  const hold = await officer.post("/compliance/holds", { conversationId: tea, reason: "a lawsuit" });
  await officer.get(`/compliance/holds/${hold.body.holdId}/messages`);
  await officer.get(`/compliance/conversations/${tea}/messages/${said.messageId}/proof`);
  await officer.get(`/compliance/conversations/${tea}/messages?before=2`);
  await read(officer, other);
  const actions = async (query: string) =>
    (await told(officer, `by=${officer.userId}&${query}`)).map((one) => one.action);
  expect(await actions(`messageId=${said.messageId}`)).toEqual(["read-conversation", "read-proof", "read-held"]);
  expect((await actions(`messageId=${second.messageId}`)).filter((one) => one !== "read-accesses")).toEqual([
    "read-held",
  ]);
  const ofAda = await told(officer, `userId=${ada.userId}&by=${officer.userId}`);
  expect(ofAda.map(({ about }) => about)).not.toContainEqual(expect.objectContaining({ conversationId: other }));
  expect(ofAda.map((one) => one.action)).toEqual(["read-conversation", "read-proof", "read-held"]);
});

test("every door of officers and auditors writes down that it was used", async () => {
  const { officer, bo } = them();
  const gone = await officer.post("/compliance/erasures", {
    userId: (await apiOf(server.url).person("cy")).userId,
    reason: "asked",
  });
  await officer.get(`/compliance/erasures/${gone.body.erasureId}`);
  await officer.get("/compliance/holds");
  await officer.get("/compliance/retention");
  const seen = (await told(officer, `by=${officer.userId}&limit=3`)).map((one) => one.action);
  expect(seen).toEqual(["read-retention", "list-holds", "read-erasure"]);
  expect((await bo.get("/compliance/access")).status).toBe(403);
});

test("it is paged, and followed as JSON lines from a cursor on without an end or a gap", async () => {
  const { officer, auditor } = them();
  const newest = await officer.get("/compliance/access?limit=2");
  const older = await officer.get(`/compliance/access?limit=2&cursor=${newest.body.cursor}`);
  const entries = [...items(newest), ...items(older)].map(({ entry }) => Number(entry));
  expect(entries.slice(1).every((entry, at) => entry === (entries[at] ?? 0) - 1)).toBe(true);

  const follow = async (cursor: number) => {
    const answer = await fetch(`${server.url}/api/v1/compliance/access?order=oldest&limit=200&cursor=${cursor}`, {
      headers: { accept: "application/x-ndjson", authorization: `Bearer ${auditor.token}` },
    });
    expect(answer.headers.get("content-type")).toContain("application/x-ndjson");
    const text = await answer.text();
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => Number(JSON.parse(line).entry));
  };
  const first = await follow(0);
  expect(first).toEqual(Array.from({ length: first.length }, (_, at) => at + 1));
  const own = await follow(first.length);
  expect(own).toEqual([first.length + 1]);
  expect(await follow(first.length + 1)).toEqual([]);
  await read(officer, tea);
  expect(await follow(first.length + 1)).toEqual([first.length + 2]);
});

test("another organisation's officer sees nothing of it, whatever is asked for", async () => {
  const { parts } = server.running.foundation.accounts;
  await foundTenant(parts, "elsewhere");
  await bootstrapAdmin(parts, "elsewhere", { username: "chief", password: passwordOf("chief") });
  const chief = await apiOf(server.url).login("chief", "phone", "elsewhere");
  for (const query of ["", `conversationId=${tea}`, `messageId=${said.messageId}`, `userId=${them().ada.userId}`])
    expect((await told(chief, query)).filter(({ userId }) => userId !== chief.userId)).toEqual([]);
});

test("a purpose goes with whoever gave it, and what cannot be one is refused", async () => {
  const { officer } = them();
  const api = apiOf(server.url);
  const passing = await api.person("passing");
  await officer.put(`/admin/users/${passing.userId}/roles`, { roles: ["auditor"] });
  await read(passing, tea, { "scripta-purpose": "unforgettable" });
  for (const bad of ["%ff", "%20", "x".repeat(501)])
    expect((await read(passing, tea, { "scripta-purpose": bad })).status).toBe(400);
  expect((await told(officer, `by=${passing.userId}`))[0]).toMatchObject({ purpose: "unforgettable" });
  await server.running.foundation.sealing.destroy([{ tenant: "main", of: passing.userId }]);
  const after = await told(officer, `by=${passing.userId}`);
  expect(after[0]).toMatchObject({ userId: passing.userId, purpose: null, purposeState: "erased" });
  for (const query of ["limit=0", "limit=201", "cursor=x", "order=sideways", "userId=ada", "who=ada"])
    expect({ query, status: (await officer.get(`/compliance/access?${query}`)).status }).toEqual({
      query,
      status: 400,
    });
});

test("in the terminal a message shows who of its members read it, and who else looked", async () => {
  const { bo } = them();
  await bo.get("/me", after(await bo.post(`/conversations/${tea}/read`, { seq: 1 })));
  const proof = await cli("proof", "get", said.messageId, "--purpose", "for the court");
  expect(proof.code).toBe(0);
  const [shown, lines, all] = await Promise.all([
    cli("access", said.messageId, "--json"),
    cli("access", "--conversation", tea),
    cli("access", "--cursor", "0", "--json"),
  ]);
  const { message, items: looked } = JSON.parse(shown.stdout);
  expect(message.members).toMatchObject([{ userId: bo.userId, readAt: expect.stringMatching(/Z$/) }]);
  expect(looked[0]).toMatchObject({ userId: null, deviceId: null, action: "read-proof", purpose: "for the court" });
  expect(lines.stdout).toContain("the complaint of März \ufffd[31m");
  expect(lines.stdout).not.toContain("\u001b");
  const entries = all.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).entry);
  expect(entries).toEqual(Array.from({ length: entries.length }, (_, at) => at + 1));
}, 90_000);

test("where it cannot be written down, nobody is shown anything", async () => {
  const { officer } = them();
  const { database } = server.running.foundation;
  const holds = await officer.post("/compliance/holds", { conversationId: tea, reason: "a lawsuit" });
  await database.query("alter table compliance.access_log add constraint full_up check (entry < 0) not valid");
  const paths = [
    `/conversations/${tea}/messages`,
    `/conversations/${tea}/messages/${said.messageId}/proof`,
    `/holds/${holds.body.holdId}/messages`,
    "/holds",
    "/retention",
    "/access",
  ];
  const answers = await Promise.all(paths.map((path) => officer.get(`/compliance${path}`)));
  await database.query("alter table compliance.access_log drop constraint full_up");
  expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 503));
  expect(JSON.stringify(answers)).not.toContain("said");
});
