import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ScriptaClient } from "../../clients/sdk/index.ts";
import { systemClock } from "../../infra/clock.ts";
import { fileWeekKeys } from "../../infra/keys/fileWeekKeys.ts";
import { anythingWrapped, postgresSecretStore } from "../../infra/keys/postgresSecretStore.ts";
import { after, apiOf, group, items, type Person, passwordOf, type Sent, send } from "../../test/support/apiClient.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { scripta } from "../../test/support/scriptaProcess.ts";
import { startServer, type TestServer } from "../../test/support/server.ts";
import { progressLine } from "../import/progressLine.ts";
import { openPart } from "./openBackup.ts";

/** A place for an installation: a data folder and a database, both empty at first. */
interface Place {
  readonly environment: Record<string, string>;
  readonly database: FreshDatabase;
}

let folder: string;
let port: number;
const places: Place[] = [];
const servers: TestServer[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-backup-"));
  port = await freePort();
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});
afterAll(async () => {
  for (const { database } of places) await database.drop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}, 60_000);

async function place(): Promise<Place> {
  const database = await freshDatabase();
  const environment = { SCRIPTA_DATA: join(folder, randomUUID()), SCRIPTA_POSTGRES: database.url };
  const made = { database, environment };
  places.push(made);
  return made;
}

/** Always at one address: to a device it is one server that was away for a while. */
async function serve({ environment }: Place): Promise<TestServer> {
  const server = await startServer({ ...environment, SCRIPTA_PORT: String(port) });
  servers.push(server);
  return server;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

const newFolder = () => join(folder, randomUUID());

async function backup({ environment }: Place, ...args: string[]): Promise<string> {
  const to = newFolder();
  const ended = await scripta(["backup", to, ...args], environment).ended;
  expect([ended.code, ended.stderr]).toEqual([0, expect.any(String)]);
  return to;
}

/** Into a new place. */
async function restored(from: string, ...args: string[]): Promise<Place> {
  const into = await place();
  const { code, stdout, stderr } = await scripta(["restore", from, "--json", ...args], into.environment).ended;
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  expect(JSON.parse(stdout)).toMatchObject({ data: into.environment.SCRIPTA_DATA });
  return into;
}

async function refused(from: string, into: Place, ...args: string[]): Promise<string> {
  const { code, stderr } = await scripta(["restore", from, ...args], into.environment).ended;
  expect([code, stderr]).toEqual([1, expect.stringContaining("scripta: ")]);
  expect(stderr).not.toContain("    at ");
  return stderr;
}

/** Sends one after the other until told to stop; what was acknowledged, in order. */
function writer(by: Person, conversationId: string) {
  const sent: (Sent & { readonly text: string })[] = [];
  let writing = true;
  const work = (async () => {
    while (writing) {
      const text = `${by.username} ${sent.length}`;
      sent.push({ ...(await send(by, conversationId, text)), text });
    }
  })();
  return {
    sent,
    stop: () => {
      writing = false;
      return work;
    },
  };
}

const Refreshed = z.object({ accessToken: z.string(), refreshToken: z.string() });

test("what was acknowledged before a backup began is in the restored place, and people go on there with what they have", async () => {
  const here = await place();
  const first = await serve(here);
  const api = apiOf(first.url);
  const [ada, bo] = [await api.person("ada"), await api.person("bo")];
  const tea = await group(ada, [bo]);
  const cursor = (await bo.get("/sync")).body.cursor;
  const writers = [writer(ada, tea), writer(bo, tea), writer(bo, tea)];
  await expect.poll(() => writers.every(({ sent }) => sent.length > 10)).toBe(true);
  const acknowledged = writers.flatMap(({ sent }) => [...sent]);
  const saved = await backup(here);
  expect(writers.flatMap(({ sent }) => sent).length).toBeGreaterThan(acknowledged.length);
  for (const { stop } of writers) await stop();
  // Since then Bo's phone has renewed its tokens.
  const renewed = await api.ask("POST", "/auth/refresh", { body: { refreshToken: bo.refreshToken } });
  const { refreshToken } = Refreshed.parse(renewed.body);
  await first.stop();

  const there = await restored(saved);
  const second = await serve(there);
  const held: { seq: unknown; text: unknown; messageId: unknown }[] = [];
  for (let from = 0; ; from = held.length) {
    const page = items(await ada.get(`/conversations/${tea}/messages?after=${from}&limit=200`));
    if (page.length === 0) break;
    held.push(...page.map(({ seq, text, messageId }) => ({ seq, text, messageId })));
  }
  expect(held.map(({ seq }) => seq)).toEqual(held.map((_, index) => index + 1));
  for (const { seq, text, messageId } of acknowledged) expect(held[seq - 1]).toEqual({ seq, text, messageId });

  const again = await apiOf(second.url).login(ada.username, "laptop");
  expect(again.userId).toBe(ada.userId);
  expect((await apiOf(second.url).ask("POST", "/auth/refresh", { body: { refreshToken } })).status).toBe(200);
  expect((await bo.get(`/sync?cursor=${cursor}`)).body).toMatchObject({ reset: true });
  expect((await send(again, tea, "on it goes")).seq).toBe(held.length + 1);
  await second.stop();
}, 90_000);

test("a device that is ahead of the restored log is reset, and what it was told is written is there again, once", async () => {
  const here = await place();
  const first = await serve(here);
  const account = { url: first.url, username: "eve", password: passwordOf("eve") };
  await ScriptaClient.register({ ...account, displayName: "Eve" });
  const bo = await apiOf(first.url).person("bo");
  const device = await ScriptaClient.login({ ...account, device: { name: "phone", platform: "test" } });
  try {
    await device.connect();
    const tea = await device.group("Tea", [bo.userId]);
    await device.send(tea, "before");
    const saved = await backup(here);
    // On its own device all of this is done.
    await device.send(tea, "after");
    const later = await device.group("Later", [bo.userId]);
    await device.send(later, "in a conversation that the backup does not know");
    let resets = 0;
    device.on("reset", () => resets++);
    await first.stop();

    const second = await serve(await restored(saved));
    const texts = (id: string) => device.messages(id).map(({ seq, text }) => [seq, text]);
    await device.until(() => resets > 0 && device.unanswered === 0 && texts(later).length === 1, 30_000);
    expect([resets, texts(tea)]).toEqual([1, [[1, "before"], [2, "after"]]]); // biome-ignore format: a table
    expect(texts(later)).toEqual([[1, "in a conversation that the backup does not know"]]);
    const bos = items(await bo.get(`/conversations/${tea}/messages`));
    expect(bos.map(({ seq, text }) => [seq, text])).toEqual(texts(tea));
    await second.stop();
  } finally {
    await device.close();
  }
}, 90_000);

test("who was erased after the log was saved stays erased, and older keys than the log's are refused", async () => {
  const here = await place();
  const first = await serve(here);
  const api = apiOf(first.url);
  const [ada, carol] = [await api.person("ada"), await api.person("carol")];
  const tea = await group(ada, [carol]);
  await send(carol, tea, "what Carol said");
  await send(ada, tea, "what Ada said");
  const before = await backup(here);
  const weekKeys = fileWeekKeys(
    join(here.environment.SCRIPTA_DATA ?? "", "keys", "week"),
    systemClock,
    anythingWrapped(here.database.database),
  );
  await postgresSecretStore(here.database.database, weekKeys).destroy([{ tenant: "main", of: carol.userId }]);
  const since = await backup(here);
  await first.stop();

  const empty = await place();
  expect(await refused(since, empty, "--keys", before)).toMatch(/1 secrets were destroyed.*bring back.*--keys/);

  const second = await serve(await restored(before, "--keys", since));
  expect(items(await ada.get(`/conversations/${tea}/messages`, after({ position: 0 })))).toMatchObject([
    { senderId: carol.userId, text: null, erased: true },
    { senderId: ada.userId, text: "what Ada said", erased: false },
  ]);
  expect((await carol.get("/me")).status).toBe(401);
  await expect(apiOf(second.url).login(carol.username)).rejects.toThrow("cannot sign in");

  // Something new is sealed with a secret that no keys part so far has.
  const dan = await apiOf(second.url).person("dan");
  await send(dan, await group(dan), "what Dan said");
  const place2 = places.at(-1);
  const withDan = place2 ? await backup(place2, "--only", "log") : "";
  const fault = await refused(withDan, empty, "--keys", since);
  expect(fault).toMatch(/keys part is of .*, the log part ends at .* secrets are not in it.*from position \d+ on/);
  await second.stop();
  // What was refused left nothing.
  expect(await readdir(empty.environment.SCRIPTA_DATA ?? "")).toEqual([]);
  expect((await empty.database.database.query("select from pg_tables where schemaname = 'log'")).rowCount).toBe(0);
}, 90_000);

test("a backup that is not whole, or not of this installation, is refused by the name of what is wrong", async () => {
  const [here, other] = [await place(), await place()];
  for (const { environment } of [here, other])
    expect((await scripta(["tenant", "list"], environment).ended).code).toBe(0);
  const saved = await backup(here);
  const into = await place();
  const events = join(saved, "log", "log.events.copy.gz");
  const whole = await readFile(events);

  const fault = () =>
    openPart(saved, "log", progressLine()).then(
      () => "none",
      (error: Error) => error.message,
    );

  await writeFile(events, whole.subarray(0, whole.length - 7));
  expect(await refused(saved, into)).toContain(`log.events.copy.gz has ${whole.length - 7} of ${whole.length} bytes`);
  await writeFile(events, whole.with(20, (whole[20] ?? 0) ^ 1));
  expect(await fault()).toContain("log.events.copy.gz was altered");
  await rm(events);
  await rm(join(saved, "log", "log.streams.copy.gz"));
  expect(await fault()).toMatch(/log.streams.copy.gz is missing\n.*log.events.copy.gz is missing/);
  const manifest = join(saved, "log", "manifest.json");
  const text = await readFile(manifest, "utf8");
  await writeFile(manifest, text.replace('"epoch": 1', '"epoch": 2'));
  expect(await fault()).toContain("manifest.json was altered");
  await writeFile(manifest, text.slice(0, 300));
  expect(await fault()).toContain("manifest.json is cut short");
  await rm(manifest);
  expect(await fault()).toMatch(/was cut short: manifest.json, which is written last, is missing/);

  const others = await backup(other);
  expect(await refused(await backup(here), into, "--keys", others)).toContain("are of different installations");
  expect(await refused(others, here)).toMatch(/is not empty \(.* is in it\)/);
  const elsewhere = { ...here, environment: { ...here.environment, SCRIPTA_DATA: newFolder() } };
  expect(await refused(others, elsewhere)).toMatch(/the database is not empty: it holds .*log/);
  expect((await scripta(["backup", others], other.environment).ended).stderr).toContain("is not empty");
  expect(await readdir(into.environment.SCRIPTA_DATA ?? "")).toEqual([]);
}, 90_000);
