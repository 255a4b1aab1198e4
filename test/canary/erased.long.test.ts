import { randomBytes, randomUUID } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { z } from "zod";
import { changeWeekKeys } from "../../sealing/weeklyKeyChange.ts";
import { after, group, send } from "../support/apiClient.ts";
import { liveSocket } from "../support/apiSocket.ts";
import { startWithOfficer } from "../support/officer.ts";
import { tracesInFiles, tracesInTables } from "./traces.ts";

/** Stands in everything that the person writes. */
const CANARY = `q${randomBytes(8).toString("hex")}z`;

const { server, api, officer, erasure } = await startWithOfficer();
afterAll(() => server.stop());

test("after an erasure and the change of keys nothing that the person wrote is in any answer, row or byte, and no old copy of the keys opens", async () => {
  const { foundation } = server.running;
  const [ada, bo] = [await api.person("ada"), await api.person("bo")];
  expect((await ada.patch("/me", { displayName: `Dr ${CANARY}` })).status).toBe(200);
  await api.login(ada.username, `Phone of ${CANARY}`);
  const here = await group(ada, [bo]);
  const direct = await ada.post("/conversations", { kind: "direct", userId: bo.userId });
  const beside = z.string().parse(direct.body.conversationId);
  const said = await send(ada, here, `the diagnosis ${CANARY}`);
  const deleted = await send(ada, here, `the regret ${CANARY}`);
  await send(ada, beside, `in private ${CANARY}`);
  const at = `/conversations/${here}/messages`;
  await ada.patch(`${at}/${said.messageId}`, { text: `the better ${CANARY}` });
  await ada.delete(`${at}/${deleted.messageId}`);
  const ciphertext = Buffer.from(CANARY).toString("base64");
  const encrypted = { messageId: randomUUID(), kind: "encrypted", ciphertext, keyInfo: { to: CANARY } };
  expect((await ada.post(at, encrypted)).status).toBe(201);
  const replied = await send(bo, here, "I see");
  await ada.put(`${at}/${replied.messageId}/reactions/👍`);

  const everything = async () => {
    const socket = await liveSocket(server.url, bo.token);
    const paths = [
      ...["/me", "/conversations", "/sync", `/users/${ada.userId}`, `/users?ids=${ada.userId}`, `${at}`],
      ...[`/conversations/${here}`, `/conversations/${here}/members`, `/conversations/${beside}/messages`],
      ...[`${at}/${said.messageId}`, `${at}/${said.messageId}/history`, `${at}/${replied.messageId}`],
    ];
    const answers = await Promise.all(paths.map((path) => bo.get(path)));
    const forOfficers = await officer.get(`/compliance/conversations/${here}/messages?asOf=${replied.position}`);
    await socket.close();
    return JSON.stringify([answers.map(({ body }) => body), forOfficers.body, socket.frames]);
  };
  await bo.get("/me", after(replied));
  expect(await everything()).toContain(CANARY);
  const week = join(server.dataFolder, "keys", "week", "main");
  const keysThen = await readdir(week);
  const { rows } = await foundation.database.query<{ weekKey: string }>(
    `select week_key as "weekKey" from keys.secrets where owner = $1`,
    [ada.userId],
  );
  expect(rows).toHaveLength(1);
  expect(keysThen).toContain(`${rows[0]?.weekKey}.json`);

  const asked = await officer.post("/compliance/erasures", { userId: ada.userId, reason: "asked for it" });
  const done = await erasure(asked.body.erasureId, ({ status }) => status === "done");
  await bo.get("/me", after({ position: z.int().parse(done.position) }));
  expect(await everything()).not.toContain(CANARY);

  expect(done.finalAt).toBeNull();
  await changeWeekKeys(foundation.keys, { renewAfterMs: 0, keepMs: 0 });
  foundation.compliance.erasures.wake();
  const final = await erasure(asked.body.erasureId, ({ certificate }) => /^final \d/m.test(String(certificate)));
  expect(final.finalAt).not.toBeNull();
  expect((await readdir(week)).filter((name) => keysThen.includes(name))).toEqual([]);

  expect(await everything()).not.toContain(CANARY);
  await foundation.database.query("checkpoint");
  const inRows = await tracesInTables(foundation.database, CANARY);
  expect(inRows.rows).toBeGreaterThan(50);
  expect(inRows.found).toEqual([]);
  const { rows: clusters } = await foundation.database.query<{ data_directory: string }>("show data_directory");
  for (const folder of [server.dataFolder, clusters[0]?.data_directory ?? ""]) {
    const onDisk = await tracesInFiles(folder, CANARY);
    expect(onDisk.files).toBeGreaterThan(2);
    expect(onDisk.found).toEqual([]);
  }
}, 120_000);
