import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { apiOf, passwordOf } from "../../test/support/apiClient.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { scripta } from "../../test/support/scriptaProcess.ts";
import { type BrokenAccess, brokenAccess, writeAccess } from "./accessLog.ts";
import { AccessSeals, accessSeals, sealAccessLog } from "./sealAccessLog.ts";
import { verifyAccessLog } from "./verifyAccessLog.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
}, 60_000);
afterAll(() => server?.stop());

const parts = () => server.running.foundation;
const looked = (hoursAgo: number, action = "read-conversation") =>
  writeAccess(parts().database, {
    tenant: "main",
    at: new Date(Date.now() - hoursAgo * 3_600_000),
    actor: null,
    device: null,
    action,
    about: { conversationId: crypto.randomUUID() },
  });
async function sealed(): Promise<number[]> {
  const found: number[] = [];
  for await (const { entries } of accessSeals(parts().log, "main")) found.push(entries);
  return found;
}
async function broken() {
  const found: BrokenAccess[] = [];
  await verifyAccessLog(parts(), (one) => found.push(one));
  return found;
}
const upTo = async () => (await sealed()).at(-1) ?? 0;

beforeEach(async () => {
  for (let entry = 0; entry < 5; entry++) await looked(0);
  // The server itself looks once when it starts: whoever comes just then is told nothing.
  await expect.poll(() => sealAccessLog(parts(), "main")).toBeDefined();
});

test("the log of events tells how far the access log came, once, however many say so at once", async () => {
  const before = await sealed();
  await looked(0);
  await Promise.all(Array.from({ length: 4 }, () => sealAccessLog(parts(), "main")));
  await sealAccessLog(parts(), "main");
  expect(await sealed()).toEqual([...before, (before.at(-1) ?? 0) + 1]);
  expect(await broken()).toEqual([]);
});

test("what has waited for an hour is sealed by itself, also after a restart, and what has not is not", async () => {
  const before = await sealed();
  const restarted = () => new AccessSeals({ ...parts(), onTrouble: (error) => expect.unreachable(String(error)) });
  await looked(0.9);
  await restarted().sealDue();
  expect(await sealed()).toEqual(before);
  await looked(1.1);
  await restarted().sealDue();
  await restarted().sealDue();
  expect(await sealed()).toEqual([...before, (before.at(-1) ?? 0) + 2]);
});

test("an entry that was altered is found although all after it were made to fit", async () => {
  const end = await upTo();
  const { database } = parts();
  await database.query("create table compliance.kept as table compliance.access_log");
  await database.query(`delete from compliance.access_log where entry > ${end - 3}`);
  for (const action of ["read-held", "read-conversation", "read-conversation"]) await looked(0, action);
  for await (const one of brokenAccess(database)) expect(one).toBeUndefined();
  const found = await broken();
  const verified = await scripta(["access", "verify"], {
    SCRIPTA_DATA: server.dataFolder,
    SCRIPTA_POSTGRES: parts().config.postgres ?? "",
  }).ended;
  await database.query(
    `truncate compliance.access_log; insert into compliance.access_log table compliance.kept; drop table compliance.kept`,
  );
  expect(found).toMatchObject([
    { tenant: "main", entry: end, found: expect.stringContaining("is not what was sealed") },
  ]);
  expect(verified.code).toBe(1);
  expect(verified.stdout).toContain(`main, entry ${end}: it, or one after ${end - 5}, is not what was sealed`);
  expect(await broken()).toEqual([]);
}, 30_000);

test("entries that were cut off at the end are missed", async () => {
  const end = await upTo();
  const { database } = parts();
  const { rows } = await database.query<{ row: string }>(
    `with gone as (delete from compliance.access_log where entry >= ${end} returning *) select to_json(gone)::text as row from gone`,
  );
  const found = await broken();
  await database.query(
    "insert into compliance.access_log select r.* from unnest($1::json[]) g, json_populate_record(null::compliance.access_log, g) r",
    [rows.map(({ row }) => row)],
  );
  expect(found).toMatchObject([{ tenant: "main", entry: end, found: expect.stringContaining("it is gone") }]);
});

test("what is read through a door is sealed by the operator's hand", async () => {
  const root = await apiOf(server.url).login("root");
  await root.get("/compliance/holds");
  const { code, stdout } = await scripta(["access", "seal", "--json"], {
    SCRIPTA_DATA: server.dataFolder,
    SCRIPTA_POSTGRES: parts().config.postgres ?? "",
  }).ended;
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject([{ tenant: "main", entries: await upTo() }]);
  expect(await broken()).toEqual([]);
}, 30_000);
