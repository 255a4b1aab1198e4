import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { conversation } from "../../commands/conversation/aggregate.ts";
import { load, madeBy } from "../../commands/engine/load.ts";
import { writeState } from "../../commands/engine/storedState.ts";
import { writeAccess } from "../../compliance/access/accessLog.ts";
import { parseStreamId, type StreamId, streamId } from "../../domain/ids.ts";
import { KeysUnavailable, type SecretStore } from "../../infra/ports/secrets.ts";
import { after, apiOf, group, type Person, send } from "../../test/support/apiClient.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { scripta } from "../../test/support/scriptaProcess.ts";
import { verifyLog } from "./verifyLog.ts";

const quiet = { begin: () => {}, step: () => {} };
let server: Awaited<ReturnType<typeof startInProcess>>;
let lunch: StreamId;
let ada: Person;
let bo: Person;

const sql = (text: string, params: readonly unknown[] = []) =>
  server.running.foundation.database.query<{ [column: string]: unknown }>(text, params);

beforeAll(async () => {
  server = await startInProcess();
  const api = apiOf(server.url);
  ada = await api.person("ada");
  const cy = await api.person("cy");
  const di = await api.person("di");
  bo = await api.person("bo");
  const id = await group(ada, [bo, cy]);
  lunch = streamId("main", "conversation", id);
  const first = await send(ada, id, "soup?");
  await send(bo, id, "soup!", { threadRoot: first.messageId, mentions: [ada.userId] });
  const typo = await send(cy, id, "bred");
  await cy.patch(`/conversations/${id}/messages/${typo.messageId}`, { text: "bread" });
  const regretted = await send(bo, id, "never mind");
  await bo.delete(`/conversations/${id}/messages/${regretted.messageId}`);
  await ada.put(`/conversations/${id}/messages/${first.messageId}/reactions/👍`);
  await ada.delete(`/conversations/${id}/messages/${first.messageId}/reactions/👍`);
  await ada.post(`/conversations/${id}/members`, { userId: di.userId });
  await ada.patch(`/conversations/${id}/members/${di.userId}`, { role: "admin" });
  await ada.post(`/conversations/${id}/read`, { seq: 2 });
  await bo.delete(`/conversations/${id}/members/${bo.userId}`);
  await ada.patch(`/conversations/${id}`, { name: "Supper", settings: { historyVisibility: "all" } });
  await ada.post("/conversations", { kind: "direct", userId: cy.userId });
  await ada.put(`/conversations/${id}/preferences`, { notify: "mentions", mutedUntil: null });
  await send(ada, id, "at six");
  const last = await di.post(`/conversations/${id}/delivered`, { seq: 5 });
  await ada.get("/me", after(last));
  await sql("create schema saved; create table saved.events as table log.events");
  await sql("create table saved.secrets as table keys.secrets");
}, 60_000);
afterAll(() => server?.stop());

function verify({
  most = 1,
  readModels = false,
  secrets,
}: {
  most?: number;
  readModels?: boolean;
  secrets?: SecretStore;
} = {}) {
  const { database, keys, engine, log } = server.running.foundation;
  const parts = { database, secrets: secrets ?? keys.secrets, snapshots: engine.snapshots, log };
  return verifyLog(parts, { most, readModels, progress: quiet });
}

test("what people did holds every promise, and it is told how much was looked at", async () => {
  const verified = await verify({ most: 100, readModels: true });
  expect(verified.readModels).toMatchObject({ tables: expect.any(Number), notCompared: null });
  expect(verified.readModels?.rows).toBeGreaterThan(20);
  expect(verified).toMatchObject({ deviations: [], unknown: [], unavailable: 0, complete: true });
  expect(verified.checked).toMatchObject({ conversations: 2, messages: 5, marks: 2, erased: 0 });
  const [stored] = (await sql("select count(*) as events, count(sealed) as sealed from log.events")).rows;
  expect({ events: verified.checked.events, sealed: verified.checked.opened }).toEqual(stored);
});

const nth = (type: string, from = 0) =>
  `position = (select position from log.events where type = '${type}' order by position offset ${from} limit 1)`;
const flip = (place: string) =>
  `update log.events set sealed = set_byte(sealed, ${place}, get_byte(sealed, ${place}) # 1) where ${nth("MessageSent")}`;
const says = (type: string, pattern: string, instead: string, from = 0) =>
  `update log.events set data = regexp_replace(data::text, '${pattern}', '${instead}')::json where ${nth(type, from)}`;
const SOMEBODY = "01890a5d-0000-7000-8000-00000000ffff";

describe("it finds", () => {
  afterEach(async () => {
    await sql("truncate log.events; insert into log.events select * from saved.events");
    await sql("truncate keys.secrets; insert into keys.secrets select * from saved.secrets");
    await sql(`create unique index if not exists events_by_revision on log.events (stream_no, revision);
      create unique index if not exists events_by_command on log.events (stream_no, command) where command_at = 0`);
  });

  test.each([
    ["a flipped bit in a ciphertext", flip("60"), "what is sealed opens"],
    ["a flipped bit in a commitment", flip("3"), "what is sealed opens"],
    ["a flipped bit in a nonce", flip("35"), "what is sealed opens"],
    [
      "a sealed part that lies at another event",
      `update log.events set sealed = (select sealed from log.events where ${nth("MessageSent", 1)}) where ${nth("MessageSent")}`,
      "what is sealed opens",
    ],
    [
      "a sealed part that is gone",
      `update log.events set sealed = null, subject = null, bucket = null where ${nth("MessageSent")}`,
      "what is personal is sealed",
    ],
    [
      "a part sealed as another person's",
      `update log.events set subject = '${SOMEBODY}' where ${nth("MessageSent")}`,
      "what is sealed is whose and when its event says",
    ],
    [
      "a part sealed for another day",
      `update log.events set bucket = '2020-01-01' where ${nth("MessageSent")}`,
      "what is sealed is whose and when its event says",
    ],
    [
      "a key that is gone and was never destroyed",
      `delete from keys.secrets where bucket = '' and owner = (select subject::text from log.events where ${nth("MessageSent")})`,
      "what is sealed opens, or its key was destroyed",
    ],
    ["facts that cannot be", says("MemberAdded", '"owner"', '"king"'), "an event is of its type's shape"],
    ["an event that is missing", `delete from log.events where ${nth("MessageSent", 1)}`, "no position is left out"],
    [
      "an event that is missing at the end of its stream",
      `delete from log.events where ${nth("DeviceSignedIn")}`,
      "no position is left out",
    ],
    [
      "an event that is missing at the end of the log",
      "delete from log.events where position = (select max(position) from log.events)",
      "the log reaches as far as what was made of it",
    ],
    [
      "times that changed places",
      `update log.events e set recorded_at = o.recorded_at from log.events o
       where e.position + o.position = (select max(position) from log.events) + 1`,
      "recordedAt never decreases",
    ],
    [
      "a revision that was left out",
      "update log.events set revision = revision + 1 where position = (select max(position) from log.events)",
      "revisions are dense in a stream",
    ],
    [
      "events that changed places in their stream",
      `drop index log.events_by_revision;
       update log.events e set revision = o.revision from log.events o
       where e.type like 'Reaction%' and o.type like 'Reaction%' and e.type <> o.type`,
      "positions rise in a stream",
    ],
    [
      "a command that was recorded twice",
      `drop index log.events_by_command;
       update log.events set command = (select command from log.events where ${nth("MessageSent", 1)})
       where ${nth("MessageSent", 3)}`,
      "a command is recorded once in a stream",
    ],
    [
      "a message that was sent twice",
      `update log.events set target = (select target from log.events where ${nth("MessageSent", 1)})
       where ${nth("MessageSent", 3)}`,
      "a message is sent once in a conversation",
    ],
    [
      "a command whose events do not follow each other",
      "update log.events set command_at = 7 where type = 'MemberAdded' and command_at = 3",
      "a command's events follow each other",
    ],
    [
      "another command in an event's meta",
      `update log.events set meta = replace(meta::text, command::text, '${SOMEBODY}')::json where ${nth("MessageDeleted")}`,
      "an event's meta names its command",
    ],
    [
      "another who acted in an event's meta",
      `update log.events set meta = replace(meta::text, actor::text, '${SOMEBODY}')::json where ${nth("MessageDeleted")}`,
      "an event's meta names who acted",
    ],
    [
      "an event that is found by another message",
      `update log.events set target = '${SOMEBODY}' where ${nth("MessageEdited")}`,
      "an event is found by its message",
    ],
    ["a seq that stands twice", says("MessageSent", '"seq":3', '"seq":2', 2), "seq is dense from 1 in a conversation"],
    [
      "a mark read beyond delivered",
      says("MarksRaised", '"delivered":2', '"delivered":1'),
      "0 ≤ read ≤ delivered ≤ seq",
    ],
    [
      "a mark beyond the last message",
      says("MarksRaised", '"delivered":5', '"delivered":6', 1),
      "0 ≤ read ≤ delivered ≤ seq",
    ],
    [
      "a mark of a stranger's",
      says("MarksRaised", '"userId":"[^"]+"', `"userId":"${SOMEBODY}"`),
      "marks are a member's",
    ],
    [
      "a membership that begins elsewhere",
      says("MemberAdded", '"afterSeq":4', '"afterSeq":3', 3),
      "a membership begins after the last message",
    ],
    [
      "a membership that ends elsewhere",
      says("MemberRemoved", '"lastSeq":4', '"lastSeq":3'),
      "a membership ends with the last message",
    ],
    [
      "a removal of somebody who is no member",
      says("MemberRemoved", '"userId":"[^"]+"', `"userId":"${SOMEBODY}"`),
      "only members are removed",
    ],
    [
      "a role of somebody who is no member",
      says("MemberRoleChanged", '"userId":"[^"]+"', `"userId":"${SOMEBODY}"`),
      "only members have roles",
    ],
    [
      "preferences of somebody who is no member",
      says("MemberPreferencesChanged", '"userId":"[^"]+"', `"userId":"${SOMEBODY}"`),
      "preferences are a member's",
    ],
    [
      "a reaction to what was never sent",
      says("ReactionAdded", '"seq":1', '"seq":9'),
      "what an event is about was sent",
    ],
    [
      "a reaction of a stranger's",
      says("ReactionAdded", '"userId":"[^"]+"', `"userId":"${SOMEBODY}"`),
      "who reacts or acknowledges is a member",
    ],
    [
      "a deletion that names another author",
      says("MessageDeleted", '"authorId":"[^"]+"', `"authorId":"${SOMEBODY}"`),
      "an event names its message's author",
    ],
    [
      "a group that lost its last owner",
      `update log.events set data = json_build_object('role', 'member', 'userId',
         (select actor from log.events where ${nth("ReactionAdded")})) where ${nth("MemberRoleChanged")}`,
      "a group that had an owner keeps one",
    ],
    [
      "messages that expired before they were said",
      `update log.events e set type = 'MessagesExpired', data = json_build_object('expiredTo', 99, 'days', json_build_array(),
         'stream', (select stream from log.streams s where s.stream_no = e.stream_no)) where ${nth("HistoryVisibilityChanged")}`,
      "only what was said expires",
    ],
    [
      "somebody who was added twice",
      `update log.events set data = json_build_object('role', 'member', 'afterSeq', 4, 'userId',
         (select actor from log.events where ${nth("ReactionAdded")})) where ${nth("MemberAdded", 3)}`,
      "nobody is added twice",
    ],
  ])("%s", async (_, plant, rule) => {
    await sql(plant);
    const { deviations, complete } = await verify();
    expect(deviations.map((one) => one.rule)).toEqual([rule]);
    expect(complete).toBe(false);
  });
});

test("in each table of each read model it finds a row that was altered, that is missing, or is one too many", async () => {
  const plants: readonly (readonly [table: string, plant: string, how: string])[] = [
    ["history.messages", "update history.messages set revision = revision + 1 where seq = 1", "otherwise"],
    ["history.versions", "delete from history.versions", "is missing"],
    [
      "history.mentions",
      `insert into history.mentions select tenant, conversation, '${SOMEBODY}', 1 from history.messages where seq = 1`,
      "does not give",
    ],
    [
      "inbox.conversations",
      "update inbox.conversations set name = set_byte(name, 70, 0) where name is not null",
      "otherwise",
    ],
    ["inbox.conv_head", "update inbox.conv_head set last_seq = 9 where last_seq = 5", "otherwise"],
    ["members.members", "update members.members set role = 'guest' where role = 'admin'", "otherwise"],
    ["people.people", "update people.people set registered = null", "otherwise"],
    [
      "people.devices",
      `insert into people.devices select tenant, user_id, '${SOMEBODY}', 'x', null, now() from people.people limit 1`,
      "does not give",
    ],
    ["receipts.marks", "update receipts.marks set read = 0 where delivered = 5 and read = 5", "otherwise"],
    ["receipts.raises", "update receipts.raises set at = at + interval '1 s' where delivered = 5", "otherwise"],
  ];
  const tables = plants.map(([table]) => table);
  await sql(tables.map((table, at) => `create table saved.t${at} as table ${table}`).join("; "));
  for (const [, plant] of plants) await sql(plant);
  const { deviations } = await verify({ readModels: true, most: 100 });
  for (const [at, table] of tables.entries())
    await sql(`truncate ${table}; insert into ${table} select * from saved.t${at}; drop table saved.t${at}`);
  for (const [table, , how] of plants)
    expect(deviations).toContainEqual({
      rule: "a read model holds what the log gives",
      found: expect.stringMatching(new RegExp(`^${table} differs in .*${how}`)),
    });
  expect(deviations).toHaveLength(plants.length);
});

test("stopped among the read models it leaves nothing behind", async () => {
  const stopping = new AbortController();
  const { database, keys, engine, log } = server.running.foundation;
  const parts = { database, secrets: keys.secrets, snapshots: engine.snapshots, log };
  const begin = (what: string) => what === "read models" && stopping.abort();
  const stopped = verifyLog(parts, {
    most: 1,
    readModels: true,
    progress: { begin, step: () => {} },
    signal: stopping.signal,
  });
  await expect(stopped).rejects.toThrow();
  const { rows } = await sql("select schema from ops.checkpoints where phase <> 'live'");
  const left = await sql("select nspname from pg_namespace where nspname like '%\\_\\_next'");
  expect([rows, left.rows]).toEqual([[], []]);
});

test("facts that were altered and break no rule differ from what was made of them", async () => {
  await sql(says("MessageSent", '"sentAt":"2', '"sentAt":"1'));
  const { deviations } = await verify({ readModels: true, most: 5 });
  await sql("truncate log.events; insert into log.events select * from saved.events");
  expect(deviations).toMatchObject([{ rule: "a read model holds what the log gives" }]);
});

test("an access log with an entry taken out is found", async () => {
  const { database } = server.running.foundation;
  const looked = { tenant: "main", at: new Date(), actor: null, device: null, action: "read-conversation", about: {} };
  for (let entry = 1; entry <= 3; entry++) await writeAccess(database, looked);
  expect((await verify()).deviations).toEqual([]);
  await sql("delete from compliance.access_log where entry = 2");
  const { deviations } = await verify();
  await sql("truncate compliance.access_log");
  expect(deviations.map(({ rule }) => rule)).toEqual(["the access log is what was written, and sealed in the log"]);
});

test("its exit code tells, and it works beside a running server", async () => {
  const environment = {
    SCRIPTA_DATA: server.dataFolder,
    SCRIPTA_POSTGRES: server.running.foundation.config.postgres ?? "",
  };
  const fine = await scripta(["verify"], environment).ended;
  expect([fine.code, fine.stdout]).toEqual([0, expect.stringContaining("All is as it was promised.")]);
  await sql(flip("60"));
  const found = await scripta(["verify", "--all", "--log-only", "--json"], environment).ended;
  await sql("truncate log.events; insert into log.events select * from saved.events");
  expect([found.code, JSON.parse(found.stdout)]).toMatchObject([1, { ok: false, complete: true, deviations: [{}] }]);
}, 40_000);

test("what a newer program wrote is told and not judged", async () => {
  await sql(`update log.events set type = 'MessagePinned' where ${nth("MessageEdited")}`);
  const { deviations, unknown, checked } = await verify();
  await sql("truncate log.events; insert into log.events select * from saved.events");
  expect({ deviations, unknown }).toEqual({ deviations: [], unknown: [{ event: "MessagePinned v1", count: 1 }] });
  expect(checked.conversations).toBe(1);
});

test("all that deviates is listed where that is asked for, up to so many", async () => {
  await sql("update log.events set sealed = set_byte(sealed, 60, get_byte(sealed, 60) # 1) where type = 'MessageSent'");
  const [many, some] = [await verify({ most: 100 }), await verify({ most: 3 })];
  await sql("truncate log.events; insert into log.events select * from saved.events");
  expect([many.deviations.length, many.complete]).toEqual([5, true]);
  expect([some.deviations.length, some.complete]).toEqual([3, false]);
  expect(some.deviations[0]).toMatchObject({ stream: lunch, revision: 5, position: expect.any(Number) });
});

test("keys that do not answer are no fault of the log", async () => {
  const down = () => Promise.reject(new KeysUnavailable("the key store does not answer"));
  const { deviations, unavailable, checked } = await verify({
    secrets: { ensure: down, get: down, destroy: down, ledger: down },
  });
  const [stored] = (await sql("select count(sealed) as sealed from log.events")).rows;
  expect({ deviations, unavailable, opened: checked.opened }).toEqual({
    deviations: [],
    unavailable: stored?.sealed,
    opened: 0,
  });
});

describe("a snapshot", () => {
  const keep = async (change: (parts: string[]) => string[]) => {
    const { engine } = server.running.foundation;
    const { state, revision } = await load(lunch, conversation, engine);
    await engine.snapshots.drop(lunch);
    await engine.snapshots.save(lunch, {
      revision,
      madeBy: madeBy(conversation),
      parts: change(await writeState(state)),
    });
  };
  afterEach(() => server.running.foundation.engine.snapshots.drop(lunch));

  test("holds what the log gives", async () => {
    await keep((parts) => parts);
    expect(await verify()).toMatchObject({ deviations: [], checked: { snapshots: 1 } });
  });
  test("that holds something else is found", async () => {
    await keep((parts) => parts.map((part) => part.replace('"lastSeq":5', '"lastSeq":4')));
    expect((await verify()).deviations.map(({ rule }) => rule)).toEqual(["a snapshot holds what the log gives"]);
  });
  test("with its members in another order is found", async () => {
    await keep((parts) => parts.map((part) => part.replace(/("members":\[)(\[.*?\]\}\])(,)(\[.*?\]\}\])/, "$1$4$3$2")));
    expect((await verify()).deviations.map(({ rule }) => rule)).toEqual(["a snapshot holds what the log gives"]);
  });
  test("with a flipped bit is found", async () => {
    await keep((parts) => parts);
    await sql("update ops.snapshots set state = replace(state, '\"lastSeq\":5', '\"lastSeq\":4') where stream = $1", [
      lunch,
    ]);
    expect((await verify()).deviations.map(({ rule }) => rule)).toEqual(["a snapshot is as it was kept"]);
  });
});

test("what was erased is counted, and no deviation", async () => {
  await server.running.foundation.sealing.destroy([{ tenant: "main", of: bo.userId }]);
  const { deviations, checked } = await verify();
  const [stored] = (await sql("select count(*) as bos from log.events where subject = $1", [bo.userId])).rows;
  expect({ deviations, erased: checked.erased }).toEqual({ deviations: [], erased: stored?.bos });
});

test("what people write meanwhile is neither part of it nor in its way", async () => {
  let writing = true;
  let written = 0;
  const writers = [0, 1].map(async () => {
    for (; writing; written++) await send(ada, parseStreamId(lunch).id, `text ${written}`);
  });
  for (let runs = 0; runs < 5 || written < 20; runs++)
    expect(await verify({ most: 10, readModels: runs % 2 === 0 })).toMatchObject({ deviations: [], complete: true });
  writing = false;
  await Promise.all(writers);
});
