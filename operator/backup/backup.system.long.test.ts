import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { ScriptaClient } from "../../clients/sdk/index.ts";
import { systemClock } from "../../infra/clock.ts";
import { fileWeekKeys } from "../../infra/keys/fileWeekKeys.ts";
import { anythingWrapped, postgresSecretStore } from "../../infra/keys/postgresSecretStore.ts";
import { apiOf, group, items, type Person, passwordOf, type Sent, send } from "../../test/support/apiClient.ts";
import { type FreshDatabase, freshDatabase } from "../../test/support/postgres.ts";
import { scripta } from "../../test/support/scriptaProcess.ts";
import { startServer, type TestServer } from "../../test/support/server.ts";
import { openPart } from "./openBackup.ts";

/** A place for an installation: a data folder and a database, both empty at first. */
interface Place {
  readonly environment: Record<string, string>;
  readonly database: FreshDatabase;
}

let folder: string;
let port: number;
const places: Place[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-backup-"));
  port = await freePort();
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
const serve = ({ environment }: Place): Promise<TestServer> =>
  startServer({ ...environment, SCRIPTA_PORT: String(port) });

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

const untold = { begin: () => {}, step: () => {}, end: () => {} };
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

describe("a service that goes on from a backup of a while ago, taken while people wrote", () => {
  let here: Place;
  let there: Place;
  let second: TestServer;
  let people: { readonly ada: Person; readonly bo: Person; readonly carol: Person };
  let tea: string;
  let acknowledged: (Sent & { readonly text: string })[];
  let beforeCut: string;
  let since: string;
  let cursor: unknown;
  let refreshToken: string;
  let eve: ScriptaClient;
  let eves: { readonly walk: string; readonly later: string; resets: number };

  beforeAll(async () => {
    here = await place();
    const first = await serve(here);
    const api = apiOf(first.url);
    const [ada, bo, carol] = [await api.person("ada"), await api.person("bo"), await api.person("carol")];
    people = { ada, bo, carol };
    tea = await group(ada, [bo, carol]);
    await send(carol, tea, "what Carol said");
    cursor = (await bo.get("/sync")).body.cursor;
    const account = { url: first.url, username: "eve", password: passwordOf("eve") };
    await ScriptaClient.register({ ...account, displayName: "Eve" });
    eve = await ScriptaClient.login({ ...account, device: { name: "phone", platform: "test" } });
    await eve.connect();
    const walk = await eve.group("Walk", [bo.userId]);
    await eve.send(walk, "before");

    const writers = [writer(ada, tea), writer(bo, tea), writer(bo, tea)];
    await vi.waitUntil(() => writers.every(({ sent }) => sent.length > 10), { timeout: 20_000 });
    acknowledged = writers.flatMap(({ sent }) => [...sent]);
    beforeCut = await backup(here);
    expect(writers.flatMap(({ sent }) => sent).length).toBeGreaterThan(acknowledged.length);
    for (const { stop } of writers) await stop();

    // What the log part does not know of: words, a conversation, an erasure, a new pair of tokens.
    await eve.send(walk, "after");
    const later = await eve.group("Later", [bo.userId]);
    await eve.send(later, "in a conversation that the backup does not know");
    eves = { walk, later, resets: 0 };
    eve.on("reset", () => eves.resets++);
    eve.disconnect();
    const renewed = await api.ask("POST", "/auth/refresh", { body: { refreshToken: bo.refreshToken } });
    refreshToken = z.string().parse(renewed.body.refreshToken);
    const weekKeys = join(here.environment.SCRIPTA_DATA ?? "", "keys", "week");
    const keysThere = here.database.database;
    const secrets = postgresSecretStore(keysThere, fileWeekKeys(weekKeys, systemClock, anythingWrapped(keysThere)));
    await secrets.destroy([{ tenant: "main", of: carol.userId }]);
    since = await backup(here);
    await first.stop();

    there = await restored(beforeCut, "--keys", since);
    second = await serve(there);
  }, 120_000);
  afterAll(async () => {
    await eve?.close();
    await second?.stop();
  }, 60_000);

  test("has all that was acknowledged before the backup began, in its place", async () => {
    const held: { seq: unknown; text: unknown; messageId: unknown }[] = [];
    for (let from = 0; ; from = held.length) {
      const page = items(await people.ada.get(`/conversations/${tea}/messages?after=${from}&limit=200`));
      if (page.length === 0) break;
      held.push(...page.map(({ seq, text, messageId }) => ({ seq, text, messageId })));
    }
    expect(held.map(({ seq }) => seq)).toEqual(held.map((_, index) => index + 1));
    for (const { seq, text, messageId } of acknowledged) expect(held[seq - 1]).toEqual({ seq, text, messageId });
    expect((await send(people.ada, tea, "on it goes")).seq).toBe(held.length + 1);
  });

  test("knows passwords and devices, also one that has renewed its tokens since, and resets what was synced", async () => {
    const api = apiOf(second.url);
    expect((await api.login(people.ada.username, "laptop")).userId).toBe(people.ada.userId);
    expect((await people.bo.get(`/sync?cursor=${cursor}`)).body).toMatchObject({ reset: true });
    expect((await api.ask("POST", "/auth/refresh", { body: { refreshToken } })).status).toBe(200);
  });

  test("resets a device that is ahead of it, and gets again, once, what that device was told is written", async () => {
    const texts = (id: string) => eve.messages(id).map(({ seq, text }) => [seq, text]);
    const { walk, later } = eves;
    await eve.connect();
    await eve.until(() => eves.resets > 0 && texts(walk).length + texts(later).length === 3);
    expect([eves.resets, texts(walk), texts(later)]).toEqual([
      1,
      [
        [1, "before"],
        [2, "after"],
      ],
      [[1, "in a conversation that the backup does not know"]],
    ]);
    const bos = items(await people.bo.get(`/conversations/${walk}/messages`));
    expect(bos.map(({ seq, text }) => [seq, text])).toEqual(texts(walk));
  });

  test("keeps who was erased since erased", async () => {
    const { ada, carol } = people;
    expect(items(await ada.get(`/conversations/${tea}/messages?limit=2`)).length).toBe(2);
    expect(items(await ada.get(`/conversations/${tea}/messages?after=0&limit=2`))).toMatchObject([
      { senderId: carol.userId, text: null, erased: true },
      { erased: false, text: expect.stringContaining(" 0") },
    ]);
    expect((await carol.get("/me")).status).toBe(401);
    await expect(apiOf(second.url).login(carol.username)).rejects.toThrow("cannot sign in");
  });

  test("tells in its log who was erased since: proofs of their words say so, and all is swept again", async () => {
    const { ada, carol } = people;
    const [said] = items(await ada.get(`/conversations/${tea}/messages?after=0&limit=1`));
    const proof = () => ada.get(`/conversations/${tea}/messages/${said?.messageId}/proof`);
    await expect.poll(async () => (await proof()).body.verdict, { timeout: 30_000 }).toBe("erased");
    const covered = z.object({ coveredBy: z.object({ opening: z.object({ data: z.string() }) }) });
    const { coveredBy } = covered.parse((await proof()).body);
    expect(JSON.parse(coveredBy.opening.data)).toMatchObject({ userId: carol.userId });
    const { rows } = await there.database.database.query<{ type: string }>(
      `select type from log.events join log.streams using (stream_no)
       where stream like 'main/compliance-%' or stream = $1 order by position`,
      [`main/user-${carol.userId}`],
    );
    expect(rows.map(({ type }) => type)).toEqual(expect.arrayContaining(["ErasureRequested", "ErasureTookEffect"]));
    await expect
      .poll(
        async () => (await there.database.database.query("select from log.events where type = 'UserErased'")).rowCount,
      )
      .toBe(1);
  });

  test("takes no keys that are older than its log: they would bring the erased back, or open less than there is", async () => {
    const empty = await place();
    expect(await refused(since, empty, "--keys", beforeCut)).toMatch(/1 secrets were destroyed.*bring back.*--keys/);
    // Something new is sealed with a secret that no keys part so far has.
    const dan = await apiOf(second.url).person("dan");
    await send(dan, await group(dan), "what Dan said");
    const withDan = await backup(there, "--only", "log");
    const fault = await refused(withDan, empty, "--keys", since);
    expect(fault).toMatch(/keys part is of .*, the log part ends at .* secrets are not in it.*from position \d+ on/);
    // What was refused left nothing.
    expect(await readdir(empty.environment.SCRIPTA_DATA ?? "")).toEqual([]);
    expect((await empty.database.database.query("select from pg_tables where schemaname = 'log'")).rowCount).toBe(0);
  }, 60_000);
});

test("a backup that is not whole, or not of this installation, is refused by the name of what is wrong", async () => {
  const [here, other] = [await place(), await place()];
  for (const { environment } of [here, other])
    expect((await scripta(["tenant", "list"], environment).ended).code).toBe(0);
  const saved = await backup(here);
  const into = await place();
  const events = join(saved, "log", "log.events.copy.gz");
  const whole = await readFile(events);

  const fault = () =>
    openPart(saved, "log", untold).then(
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
