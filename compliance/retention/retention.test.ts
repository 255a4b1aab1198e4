import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { after, apiOf, group, type Person, passwordOf, send } from "../../test/support/apiClient.ts";
import { liveSocket } from "../../test/support/apiSocket.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { Retention } from "./retention.ts";

const DAY_MS = 86_400_000;

let server: Awaited<ReturnType<typeof startInProcess>>;
let api: ReturnType<typeof apiOf>;
let officer: Person;
const troubles: unknown[] = [];
beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
  api = apiOf(server.url);
  officer = await api.login("root");
}, 60_000);
afterAll(() => server?.stop());

/** Retention as it is so many days later; `dies` is a process that is killed at that point. */
function later(days: number, dies?: "when destroyed" | "when told") {
  const { accounts, keys } = server.running.foundation;
  const { engine, database } = accounts.parts;
  const now = () => Date.now() + days * DAY_MS;
  const dying = {
    ...database,
    async query<Row>(sql: string, params?: readonly unknown[], name?: string) {
      if (dies === "when destroyed" && sql.startsWith("update compliance.retirements")) throw new Error("killed");
      if (dies === "when told" && sql.startsWith("delete from compliance.retirements")) throw new Error("killed");
      return database.query<Row>(sql, params, name);
    },
  };
  return new Retention({
    accounts: { ...accounts.parts, engine: { ...engine, clock: { now } }, database: dying },
    buckets: keys.secrets,
    confirmedForMs: 0,
    onTrouble: (error) => troubles.push(error),
  });
}

const seen = async (reader: Person, conversationId: string, messageId: string) => {
  const { body } = await reader.get(`/conversations/${conversationId}/messages/${messageId}`);
  return { text: body.text, erased: body.erased, deleted: body.deleted };
};
const tombstone = { text: null, erased: true, deleted: true };
const conversation = async (reader: Person, id: string) => (await reader.get(`/conversations/${id}`)).body;

async function settled(): Promise<void> {
  if (!(await server.running.foundation.accounts.parts.people.settled())) throw new Error("the read models lag");
}

test("rules are set as one, and the narrowest of them counts; none is about the same twice", async () => {
  const rules = [{ days: 3650 }, { kind: "direct", days: 365 }];
  expect((await officer.put("/compliance/retention", { rules })).status).toBe(200);
  expect((await officer.get("/compliance/retention")).body).toEqual({ rules });
  for (const refused of [
    [{ days: 1 }, { days: 2 }],
    [{ days: 0 }],
    [{ days: 1, kind: "direct", conversationId: randomUUID() }],
  ])
    expect((await officer.put("/compliance/retention", { rules: refused })).status).toBe(400);
  const nowhere = [{ days: 1, conversationId: randomUUID() }];
  expect((await officer.put("/compliance/retention", { rules: nowhere })).status).toBe(404);
  await officer.put("/compliance/retention", { rules: [] });
  expect((await officer.get("/compliance/retention")).body).toEqual({ rules: [] });
});

test("what is past retention is a tombstone to all; devices are told once, also when that was killed half way; names stay", async () => {
  const [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const [short, long] = [await group(ada, [bo], "Brief"), await group(ada, [bo], "Lasting")];
  const said = await send(ada, short, "soon gone");
  const last = await send(bo, short, "gone, too");
  const kept = await send(ada, long, "kept");
  await officer.put("/compliance/retention", { rules: [{ days: 30 }, { conversationId: short, days: 5 }] });
  await bo.get("/me", after(kept));
  const socket = await liveSocket(server.url, bo.token);

  await later(5).retire();
  expect(await seen(bo, short, said.messageId)).toMatchObject({ text: "soon gone" });

  await expect(later(8, "when destroyed").retire()).rejects.toThrow("killed");
  await expect(later(8, "when told").retire()).rejects.toThrow("killed");
  await later(8).retire();
  await later(8).retire();
  await settled();
  expect(await seen(bo, short, said.messageId)).toEqual(tombstone);
  expect(await seen(ada, short, last.messageId)).toEqual(tombstone);
  expect(await seen(bo, long, kept.messageId)).toMatchObject({ text: "kept" });
  expect(await conversation(bo, short)).toMatchObject({ name: "Brief", expiredTo: 2 });
  expect(await conversation(bo, long)).toMatchObject({ expiredTo: null });
  await socket.change("conversation", ({ conversationId, conversation: now }) =>
    Boolean(conversationId === short && JSON.stringify(now).includes('"expiredTo":2')),
  );
  const told = socket.frames.filter((frame) => JSON.stringify(frame).includes('"expiredTo":2'));
  expect(told).toHaveLength(1);
  const { rows } = await server.running.foundation.database.query(
    "select from log.events where type = 'MessagesExpired'",
  );
  expect(rows).toHaveLength(1);
  await socket.close();

  // An edit takes its original's day: that is gone.
  const edit = await ada.patch(`/conversations/${short}/messages/${said.messageId}`, { text: "again" });
  expect(edit).toMatchObject({ status: 410 });
  // Life goes on.
  const next = await send(ada, short, "new").catch((error: unknown) => String(error));
  expect(next).toContain("erased");
}, 40_000);

test("the hash that an erased person's name is found by goes after 30 days, taken by another or not", async () => {
  const ada = await api.person("ada");
  const { database } = server.running.foundation;
  await database.query("update accounts.accounts set erased_at = now() where user_id = $1", [ada.userId]);
  const isKept = async () => {
    const { rows } = await database.query<{ kept: boolean }>(
      "select username_hash is not null as kept from accounts.accounts where user_id = $1",
      [ada.userId],
    );
    return rows[0]?.kept;
  };
  await later(29).retire();
  expect(await isKept()).toBe(true);
  await later(31).retire();
  expect(await isKept()).toBe(false);
});

test("under a hold a retired day stays open for compliance, whoever wrote in it", async () => {
  const [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
  const here = await group(ada, [bo]);
  const said = await send(ada, here, "by ada");
  await send(bo, here, "by bo");
  const placed = await officer.post("/compliance/holds", { conversationId: here, reason: "a lawsuit" });
  const holdId = z.string().parse(placed.body.holdId);
  await officer.put("/compliance/retention", { rules: [{ conversationId: here, days: 1 }] });
  await settled();
  await later(10).retire();
  await settled();
  expect(await seen(bo, here, said.messageId)).toEqual(tombstone);
  expect((await officer.get(`/compliance/holds/${holdId}/messages`)).body).toMatchObject({
    items: [
      { state: "held", text: "by ada" },
      { state: "held", text: "by bo" },
    ],
  });
  await officer.delete(`/compliance/holds/${holdId}`);
}, 40_000);
