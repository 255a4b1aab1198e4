import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { ScriptaClient } from "../../clients/sdk/index.ts";
import { after, apiOf, group, items, passwordOf, send } from "../support/apiClient.ts";
import { syncingDevice } from "../support/apiDevice.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";
import { scripta } from "../support/scriptaProcess.ts";
import { startServer, type TestServer } from "../support/server.ts";

let db: FreshDatabase;
let server: TestServer;
beforeAll(async () => {
  db = await freshDatabase();
  server = await startServer({ SCRIPTA_POSTGRES: db.url });
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await db?.drop();
}, 30_000);

const Ready = z.object({ status: z.string() });
const ready = async () => {
  const response = await fetch(`${server.url}/health/ready`);
  return [response.status, Ready.parse(await response.json()).status];
};
const parkedStreams = async () => {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  const lines = metrics.matchAll(/^scripta_projection_parked_streams\{read_model="(\w+)"\} (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, model, streams]) => [model, Number(streams)]));
};
const operator = async (...args: string[]) => {
  const { code, stdout, stderr } = await scripta(args, { SCRIPTA_DATA: server.dataFolder, SCRIPTA_POSTGRES: db.url })
    .ended;
  return { code, stdout, stderr };
};

test("a message that one read model cannot fold parks its conversation there alone, rings, and once mended comes to every device", async () => {
  const api = apiOf(server.url);
  const [ada, bo] = [await api.person("ada"), await api.person("bo")];
  const [bad, good] = [await group(ada, [bo]), await group(ada, [bo])];
  const stream = `main/conversation-${bad}`;
  const device = { name: "tablet", platform: "test" };
  const live = await ScriptaClient.login({
    url: server.url,
    username: bo.username,
    password: passwordOf(bo.username),
    device,
  });
  await live.connect();
  const away = syncingDevice(await api.login(bo.username, "in a drawer"));
  const first = await send(ada, bad, "before");
  await away.pull(first.position);
  expect(await ready()).toEqual([200, "ready"]);
  expect(await parkedStreams()).toEqual({ people: 0, members: 0, inbox: 0, history: 0, receipts: 0 });

  await db.database.query(`
    create function history.refuse() returns trigger language plpgsql as $$
      begin raise exception 'a fault of the fold'; end $$;
    create trigger refuse before insert on history.messages for each row
      when (new.conversation = '${bad}' and new.seq = 2) execute function history.refuse()`);
  await send(ada, bad, "poison");
  const third = await send(ada, bad, "wait");
  const edited = await ada.patch(`/conversations/${bad}/messages/${third.messageId}`, { text: "waits" });
  const elsewhere = await send(ada, good, "goes on");

  expect(items(await bo.get(`/conversations/${good}/messages`, after(elsewhere)))).toMatchObject([{ text: "goes on" }]);
  expect(items(await bo.get(`/conversations/${bad}/messages`))).toMatchObject([{ text: "before" }]);
  expect((await bo.get(`/conversations/${bad}`)).body).toMatchObject({ lastSeq: 3, unread: 3 });
  expect(await ready()).toEqual([200, "degraded"]);
  expect(await parkedStreams()).toEqual({ people: 0, members: 0, inbox: 0, history: 1, receipts: 0 });
  await away.pull(elsewhere.position);

  const listed = await operator("projections");
  expect(listed.stdout).toMatch(/history +\d+ +\d+ +0 +1/);
  expect(listed.stdout).toContain(`parked in history: ${stream} from`);
  const tooEarly = await operator("projections", "unpark", "history", stream);
  expect([tooEarly.code, tooEarly.stderr]).toEqual([1, expect.stringContaining("a fault of the fold")]);
  expect(await parkedStreams()).toMatchObject({ history: 1 });

  await db.database.query("drop trigger refuse on history.messages");
  expect((await operator("projections", "unpark", "history", stream)).stdout).toContain("goes on in history");
  const texts = ["before", "poison", "waits"];
  expect(items(await bo.get(`/conversations/${bad}/messages`)).map(({ text }) => text)).toEqual(texts);
  expect(edited.status).toBe(200);
  expect(await parkedStreams()).toMatchObject({ history: 0 });
  expect(await ready()).toEqual([200, "ready"]);
  await live.until(
    () =>
      live
        .messages(bad)
        .map(({ text }) => text)
        .join() === texts.join(),
  );

  const last = await send(ada, bad, "after");
  await live.until(() => live.messages(bad).length === 4);
  const fresh = syncingDevice(await api.login(bo.username, "new"));
  await fresh.pull(last.position);
  await away.pull(last.position);
  expect(away.state.view(fresh.state)).toEqual(fresh.state.view(away.state));
  expect(away.state.faults).toEqual([]);
  await live.close();

  const alarms = server
    .output()
    .split("\n")
    .filter((line) => line.includes("parked a stream"));
  expect(alarms.map((line): unknown => JSON.parse(line))).toMatchObject([{ level: 50, schema: "history", stream }]);
}, 60_000);

test("what a newer program wrote is kept and waits: its conversation answers unavailable, nothing else notices", async () => {
  const api = apiOf(server.url);
  const [ada, bo] = [await api.person("ada"), await api.person("bo")];
  const [newer, usual] = [await group(ada, [bo]), await group(ada, [bo])];
  const stream = `main/conversation-${newer}`;
  await send(ada, newer, "before");
  const { rows } = await db.database.query<{ position: number }>(
    `insert into log.events (position, recorded_at, stream_no, revision, command, command_at, type, version, data, meta)
     select head.position + 1, head.recorded_at, last.stream_no, last.revision + 1, gen_random_uuid(), 0, 'MessagePinned', 1,
       '{"pin":"blue"}', '{}'
     from (select position, recorded_at from log.events order by position desc limit 1) head,
       (select e.stream_no, max(revision) as revision from log.events e join log.streams using (stream_no)
        where stream = $1 group by 1) last
     returning position`,
    [stream],
  );
  const written = after({ position: rows[0]?.position ?? 0 });
  const said = { messageId: crypto.randomUUID(), kind: "text", text: "after" };
  const place = `/conversations/${newer}/messages`;
  expect(await ada.post(place, said)).toMatchObject({ status: 503, body: { code: "unavailable" } });
  expect(items(await bo.get(place, written))).toMatchObject([{ text: "before" }]);
  const elsewhere = await send(ada, usual, "goes on");
  expect(items(await bo.get(`/conversations/${usual}/messages`, after(elsewhere)))).toHaveLength(1);
  expect(await parkedStreams()).toMatchObject({ people: 0, members: 1, inbox: 1, history: 1, receipts: 1 });
  const kept = await operator("log", "tail", "--json");
  expect(kept.stdout).toContain("MessagePinned");

  // As if it had never been written: no program of today can go on from it.
  await db.database.query("delete from log.events where type = 'MessagePinned'");
  await db.database.query("delete from ops.parked where stream = $1", [stream]);
  expect((await ada.post(place, said)).status).toBe(201);
  expect(await parkedStreams()).toMatchObject({ people: 0, members: 0, inbox: 0, history: 0, receipts: 0 });
}, 90_000);
