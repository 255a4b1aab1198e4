import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ScriptaClient } from "../../clients/sdk/index.ts";
import { openDatabase } from "../../infra/postgres/database.ts";
import { type Api, apiOf, type Body, group, items, type Person, passwordOf, send } from "../support/apiClient.ts";
import { syncingDevice } from "../support/apiDevice.ts";
import { liveSocket } from "../support/apiSocket.ts";
import { scripta } from "../support/scriptaProcess.ts";
import { startServer, type TestServer } from "../support/server.ts";

const KILLS = 5;
const PER_SECOND = 200;
const WRITERS = 8;

let folder: string;
let server: TestServer;
let api: Api;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-rebuilds-"));
  server = await startServer({ SCRIPTA_DATA: folder });
  api = apiOf(server.url);
}, 90_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}, 60_000);

const Told = z.object({
  ok: z.boolean(),
  models: z.array(z.object({ name: z.string(), outcome: z.string(), tables: z.array(z.object({ rows: z.number() })) })),
});

const rebuilding = (...args: string[]) => scripta(["rebuild", ...args], { SCRIPTA_DATA: folder });

async function rebuilt(...args: string[]) {
  const { code, stdout, stderr } = await rebuilding(...args, "--json").ended;
  if (code !== 0) throw new Error(`exit code ${code}: ${stdout}${stderr}`);
  return Told.parse(JSON.parse(stdout)).models;
}

/** Sends, edits, deletes and reacts until it is stopped. Gives how many messages were sent. */
function writing(people: readonly Person[], groups: readonly string[]) {
  let on = true;
  let sent = 0;
  const write = async (writer: number) => {
    for (let n = writer; on; n++) {
      const due = pause((1_000 / PER_SECOND) * WRITERS);
      const person = people[n % people.length];
      const where = `/conversations/${groups[n % groups.length]}/messages`;
      const messageId = randomUUID();
      const answer = await person?.post(where, { body: { messageId, kind: "text", text: `text ${n}` } });
      if (answer?.status !== 201) throw new Error(`not sent: ${JSON.stringify(answer)}`);
      sent++;
      const then: Body = { text: `text ${n}, edited` };
      const about = `${where}/${messageId}`;
      const next =
        n % 10 === 1
          ? await person?.patch(about, { body: then })
          : n % 10 === 2
            ? await person?.delete(about)
            : n % 10 === 3
              ? await person?.put(`${about}/reactions/${encodeURIComponent("👍")}`)
              : undefined;
      if (next && next.status >= 300) throw new Error(`refused: ${JSON.stringify(next)}`);
      await due;
    }
  };
  const done = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
  done.catch(() => {});
  return async () => {
    on = false;
    await done;
    return sent;
  };
}

test("nobody notices a rebuild, and one that is killed anywhere is taken up by the next", async () => {
  const people = await Promise.all([api.person("ada"), api.person("bo"), api.person("cy")]);
  const [ada, bo, cy] = people;
  const groups = [await group(ada, [bo, cy]), await group(bo, [ada, cy])];
  const tablet = await ScriptaClient.login({
    url: server.url,
    username: ada.username,
    password: passwordOf(ada.username),
    device: { name: "tablet", platform: "test" },
  });
  await tablet.connect();
  const drawer = syncingDevice(await api.login(bo.username, "in a drawer"));
  await drawer.pull();
  const socket = await liveSocket(server.url, cy.token);
  const stop = writing(people, groups);
  await pause(1_000);

  for (let kill = 0; kill < KILLS; kill++) {
    const command = rebuilding("--all");
    await expect.poll(() => command.output(), { timeout: 20_000 }).toMatch(/folding|comparing/);
    await pause(Math.random() * 800);
    command.child.kill("SIGKILL");
    await command.ended;
    if (kill === 2) await drawer.pull();
  }
  for (const { outcome, tables } of await rebuilt("--all")) {
    expect(outcome).toBe("swapped");
    expect(tables.length).toBeGreaterThan(0);
  }
  await pause(200);
  expect(await stop()).toBeGreaterThan(KILLS * 50);

  expect(socket.ws.readyState).toBe(socket.ws.OPEN);
  for (const conversationId of groups) {
    const all: Body[] = [];
    for (let page = [{}]; page.length > 0; all.push(...page))
      page = items(
        await cy.get(`/conversations/${conversationId}/messages?limit=200&after=${Number(all.at(-1)?.seq ?? 0)}`),
      );
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, at) => at + 1));
    await tablet.until(() => tablet.messages(conversationId).at(-1)?.seq === all.length);
    const shown = () =>
      tablet.messages(conversationId).map(({ messageId, text, deleted }) => ({ messageId, text, deleted }));
    const right = all.map(({ messageId, text, deleted }) => ({ messageId, text, deleted }));
    await expect.poll(shown).toEqual(right.slice(-shown().length));
    await socket.change("message", ({ message }) => z.object({ seq: z.number() }).parse(message).seq === all.length);
    const told = socket
      .changes()
      .filter(({ op, conversationId: of }) => op === "message" && of === conversationId)
      .map(({ message }) => z.object({ seq: z.number() }).parse(message).seq);
    expect(new Set(told).size).toBe(all.length);
  }
  const fresh = syncingDevice(await api.login(bo.username, "new"));
  // The tablet says in its own time how far it has everything.
  await expect
    .poll(async () => {
      await Promise.all([drawer.pull(), fresh.pull()]);
      return isDeepStrictEqual(drawer.state.view(fresh.state), fresh.state.view(drawer.state));
    })
    .toBe(true)
    .catch(() => {});
  expect(drawer.state.view(fresh.state)).toEqual(fresh.state.view(drawer.state));
  expect(drawer.state.faults).toEqual([]);
  expect(drawer.resets()).toBe(1);
  for (const { outcome } of await rebuilt("--all", "--verify-only")) expect(outcome).toBe("equal");
  await Promise.all([tablet.close(), socket.close()]);
}, 180_000);

test("Ctrl-C stops a rebuild with a word on how it goes on; given up, nothing of it is left", async () => {
  const database = openDatabase((await readFile(join(folder, "postgres.url"), "utf8")).trim(), { max: 2 });
  const command = rebuilding("--all", "--verify-only");
  await database.transaction(async (tx) => {
    await tx.query("lock table ops.checkpoints in share mode");
    const waits =
      "select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like 'delete from ops.checkp%'";
    await expect.poll(async () => (await database.query(waits)).rowCount, { timeout: 20_000 }).toBe(1);
    command.child.kill("SIGINT");
  });
  const { code, stderr } = await command.ended;
  expect(code).toBe(130);
  // Whoever only compares is not sent to put something in place.
  expect(stderr).toContain("`scripta rebuild --all --verify-only` goes on from here");
  const givingUp = await rebuilding("--all", "--give-up").ended;
  expect(givingUp).toMatchObject({ code: 0, stdout: "given up: people, members, inbox, history, receipts\n" });
  expect((await database.query("select 1 from pg_namespace where nspname like '%\\_\\_%'")).rowCount).toBe(0);
  await database.close();
}, 60_000);

test("a server whose read models are of another version answers at once, and rebuilds them by itself", async () => {
  const [ada, bo] = await Promise.all([api.person("dee"), api.person("eve")]);
  const conversationId = await group(ada, [bo]);
  await send(ada, conversationId, "before");
  const database = openDatabase((await readFile(join(folder, "postgres.url"), "utf8")).trim(), { max: 1 });
  const versions = async () =>
    (await database.query<{ version: number }>("select distinct version from ops.checkpoints")).rows.map(
      ({ version }) => version,
    );
  const current = await versions();
  await database.query("update ops.checkpoints set version = 0");
  await database.close();
  await server.stop();
  server = await startServer({ SCRIPTA_DATA: folder });
  api = apiOf(server.url);
  const again = await api.login(ada.username);
  const { position } = await send(again, conversationId, "after");
  const where = `/conversations/${conversationId}/messages`;
  const texts = async () => items(await again.get(`${where}?minPosition=${position}`)).map(({ text }) => text);
  expect(items(await again.get(where)).map(({ text }) => text)).toContain("before");
  await expect.poll(texts, { timeout: 30_000 }).toEqual(["before", "after"]);
  const after = openDatabase((await readFile(join(folder, "postgres.url"), "utf8")).trim(), { max: 1 });
  expect((await after.query("select distinct version from ops.checkpoints where phase = 'live'")).rows).toEqual(
    current.map((version) => ({ version })),
  );
  await after.close();
  await expect.poll(async () => (await fetch(`${server.url}/health/ready`)).json()).toMatchObject({ status: "ready" });
}, 120_000);
