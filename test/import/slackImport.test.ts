import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { importedMessageId, importedUserId } from "../../domain/ids.ts";
import { apiOf, type Person } from "../support/apiClient.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { scripta } from "../support/scriptaProcess.ts";
import { startServer, type TestServer } from "../support/server.ts";
import { writeZip } from "../support/zip.ts";

/** What the last line of an import says. */
const Summary = z.object({
  channels: z.array(
    z.object({
      slackId: z.string(),
      name: z.string(),
      conversationId: z.string(),
      messages: z.number(),
      skipped: z.number(),
    }),
  ),
  users: z.array(z.object({ slackId: z.string(), userId: z.string() })),
  added: z.number(),
  existing: z.number(),
});
const Page = z.object({
  items: z.array(
    z.object({
      messageId: z.string(),
      seq: z.number(),
      senderId: z.string(),
      text: z.string(),
      threadRoot: z.string().nullable(),
      threadCount: z.number(),
      sentAt: z.string(),
    }),
  ),
  more: z.object({ before: z.boolean(), after: z.boolean() }),
});

const MANY = 6_000;
const people = ["U0000000A1", "U0000000B2", "U0000000C3"];
const tsOf = (at: number) => `${1_577_836_800 + at * 7}.${String(at % 1_000_000).padStart(6, "0")}`;
const tea = Array.from({ length: MANY }, (_, at) => ({
  type: "message",
  user: people[at % people.length],
  text: `message ${at} &amp; <@U1> ${"é".repeat(at % 5)}`,
  ts: tsOf(at),
  ...(at % 4 === 3 ? { thread_ts: tsOf(at - 3) } : {}),
}));
const odd = [
  { type: "message", user: "U0000000A1", text: " ", ts: "1600000000.000100" },
  { type: "message", user: "U0000000A1", text: "x".repeat(16_385), ts: "1600000001.000100" },
  { type: "message", user: "U0000000B2", text: "a\u0000b", ts: "1600000002.000100" },
  { type: "message", user: "U0000000B2", text: "an answer to nothing", ts: "1600000003.000100", thread_ts: "1.000001" },
  { type: "message", subtype: "bot_message", bot_id: "B000000001", text: "beep", ts: "1600000004.999999" },
];
const files = {
  "users.json": [
    { id: "U0000000A1", name: "Ada", profile: { real_name: "Ada Lovelace", display_name: "ada!" } },
    { id: "U0000000B2", name: "ADA", profile: { real_name: "Other Ada", display_name: "" } },
    { id: "U0000000C3", name: "?", profile: {} },
  ],
  "channels.json": [
    { id: "C000000001", name: "tea", creator: "U0000000B2", members: people },
    { id: "C000000002", name: "odd", creator: "U0000000A1", members: ["U0000000A1"] },
  ],
  ...Object.fromEntries(
    Array.from({ length: 6 }, (_, day) => [
      `tea/2020-01-0${day + 1}.json`,
      tea.slice(day * 1_000, day * 1_000 + 1_000),
    ]),
  ),
  "odd/2020-09-13.json": odd,
};

let folder: string;
let database: FreshDatabase;
let server: TestServer;
let owner: Person;
let environment: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-import-"));
  await writeZip(join(folder, "export.zip"), files);
  database = await freshDatabase();
  environment = { SCRIPTA_DATA: join(folder, "data"), SCRIPTA_POSTGRES: database.url };
  server = await startServer(environment);
  owner = await apiOf(server.url).person("owner");
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await database?.drop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

const importing = (...more: string[]) =>
  scripta(["import", "slack", join(folder, "export.zip"), "--as", owner.username, ...more], environment);
const summaryOf = (stdout: string) => Summary.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));

async function history(conversationId: string) {
  const messages: z.infer<typeof Page>["items"] = [];
  for (;;) {
    const { body } = await owner.get(`/conversations/${conversationId}/messages?limit=200&after=${messages.length}`);
    const { items, more } = Page.parse(body);
    messages.push(...items);
    if (!more.after) return messages;
  }
}

test("an import that is killed in the middle is completed by the same again, beside a running server", async () => {
  const killed = importing();
  const recorded = async () => {
    const { rows } = await database.database.query<{ many: number }>(
      "select count(*) as many from log.events where type = 'MessageSent'",
    );
    return Number(rows[0]?.many ?? 0);
  };
  await expect.poll(recorded, { timeout: 40_000, interval: 5 }).toBeGreaterThan(200);
  killed.child.kill("SIGKILL");
  await killed.ended;
  const before = await recorded();
  expect(before).toBeLessThan(MANY);

  const { code, stdout, stderr } = await importing().ended;
  expect(stderr).toContain("messages");
  expect(code).toBe(0);
  const summary = summaryOf(stdout);
  expect(summary.channels.map(({ messages, skipped, name }) => [name, messages, skipped])).toEqual([
    ["tea", MANY, 0],
    ["odd", 3, 2],
  ]);
  expect(summary.existing).toBe(before);
  expect(summary.added).toBe(MANY + 3 - before);
  expect(summary.users).toEqual(
    [...people, "B000000001"].map((slackId) => ({ slackId, userId: importedUserId("main", slackId) })),
  );
}, 90_000);

test("texts, authors, order, times and threads are those of the export", async () => {
  const { stdout } = await importing().ended;
  const [first, second] = summaryOf(stdout).channels;
  const found = await history(first?.conversationId ?? "");
  expect(found.map(({ threadCount: _, ...message }) => message)).toEqual(
    tea.map(({ user, text, ts, thread_ts }, at) => ({
      messageId: importedMessageId("C000000001", ts),
      seq: at + 1,
      senderId: importedUserId("main", user ?? ""),
      text: text.replace("&amp;", "&"),
      threadRoot: thread_ts === undefined ? null : importedMessageId("C000000001", thread_ts),
      sentAt: new Date(Math.floor(Number(ts.replace(".", "")) / 1_000)).toISOString(),
    })),
  );
  expect(found.filter(({ threadCount }) => threadCount === 1)).toHaveLength(MANY / 4);
  const others = await history(second?.conversationId ?? "");
  expect(others.map(({ text }) => text)).toEqual([" ", "an answer to nothing", "beep"]);
  expect(others[1]?.threadRoot).toBe(importedMessageId("C000000002", "1.000001"));
  expect(others[2]?.sentAt).toBe("2020-09-13T12:26:44.999Z");
}, 60_000);

test("importing twice adds nothing, and nobody has anything unread", async () => {
  const head = async () => (await database.database.query("select max(position) from log.events")).rows;
  const before = await head();
  const { stdout } = await importing().ended;
  expect(summaryOf(stdout)).toMatchObject({ added: 0, existing: MANY + 3 });
  expect(await head()).toEqual(before);
  const { body } = await owner.get("/conversations");
  expect(body.items).toMatchObject([
    { role: "owner", unread: 0, settings: { historyVisibility: "all" } },
    { role: "owner", unread: 0 },
  ]);
  const { rows } = await database.database.query(
    "select count(*) as behind from receipts.marks m where read < (select max(read) from receipts.marks o where o.conversation = m.conversation)",
  );
  expect(rows).toEqual([{ behind: 0 }]);
}, 60_000);

test("people are called as in the export, and their user names are theirs alone", async () => {
  const ids = people.map((slackId) => importedUserId("main", slackId));
  const { body } = await owner.get(`/users?ids=${ids.join(",")}`);
  const byId = (one: { userId: string }, other: { userId: string }) =>
    ids.indexOf(one.userId) - ids.indexOf(other.userId);
  const { items } = z
    .object({ items: z.array(z.object({ userId: z.string(), username: z.string(), displayName: z.string() })) })
    .parse(body);
  expect(items.sort(byId).map(({ username, displayName }) => [username, displayName])).toEqual([
    ["ada", "ada!"],
    ["ada-0000b2", "Other Ada"],
    ["u-0000c3", "?"],
  ]);
}, 30_000);

test("who is to own it must be there, and so must the tenant", async () => {
  const zip = join(folder, "export.zip");
  const unknown = await scripta(["import", "slack", zip, "--as", "nobody-here"], environment).ended;
  expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("there is no account nobody-here")]);
  const elsewhere = await scripta(["import", "slack", zip, "--tenant", "nowhere"], environment).ended;
  expect([elsewhere.code, elsewhere.stderr]).toEqual([1, expect.stringContaining("there is no tenant nowhere")]);
}, 30_000);

test("a broken archive is named on standard error, and nothing of it is imported", async () => {
  const zip = await writeZip(join(folder, "broken.zip"), { ...files, "tea/2020-01-03.json": "[{" });
  const { code, stderr, stdout } = await scripta(["import", "slack", zip, "--tenant", "main"], environment).ended;
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain("scripta: tea/2020-01-03.json is not JSON");
  expect(stderr).not.toContain("    at ");
}, 30_000);
