import { existsSync, statSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { byTenant } from "../accounts/byTenant.ts";
import { readConfig } from "../infra/config.ts";
import { openFoundation } from "../infra/foundation.ts";
import { createLogger } from "../infra/main.ts";
import { type Api, apiOf, group, items, type Person, passwordOf } from "../test/support/apiClient.ts";
import { fetchSigned, sayMuch } from "../test/support/archives.ts";
import { scripta } from "../test/support/scriptaProcess.ts";
import { startServer, type TestServer } from "../test/support/server.ts";
import { giveApproval } from "./approvals/approval.ts";
import { checkArchive } from "./export/check/checkArchive.ts";
import { parseVerifierKey } from "./verifier/note.ts";

const root = { SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` };

let folder: string;
let server: TestServer;
let api: Api;
let officer: Person;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-killed-"));
  server = await startServer({ ...root, SCRIPTA_DATA: folder });
  api = apiOf(server.url);
  officer = await api.login("root");
}, 90_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
}, 60_000);

const restart = async () => {
  await server.kill();
  server = await startServer({ ...root, SCRIPTA_DATA: folder, SCRIPTA_PORT: new URL(server.url).port });
};
const check = async (file: string) =>
  checkArchive(file, [parseVerifierKey(await (await fetch(`${server.url}/tlog/key`)).text())]);
const cli = (...args: string[]) => scripta(args, { SCRIPTA_DATA: folder, SCRIPTA_LOG_LEVEL: "warn" });

test("an export whose server is killed in the middle is none: its archive breaks off, the log does not tell of it", async () => {
  const ada = await api.person("ada");
  const place = await group(ada, []);
  await sayMuch(ada, place);
  const asked = { kind: "conversation", conversationIds: [place], format: "html" };
  const { exportId } = (await officer.post("/compliance/exports", asked)).body;
  const fetchArchive = () => fetchSigned(server.url, officer.token, exportId);
  const slow = (await fetchArchive()).body?.getReader();
  const came = [(await slow?.read())?.value ?? new Uint8Array()];
  await restart();
  const rest = async () => {
    for (let more = await slow?.read(); more && !more.done; more = await slow?.read()) came.push(more.value);
  };
  await expect(rest()).rejects.toThrow();
  const file = join(folder, "over-http.zip");
  await writeFile(file, Buffer.concat(came));
  expect((await check(file)).faults.join()).toContain("breaks off");
  const archives = async () => (await officer.get(`/compliance/exports/${exportId}`)).body.archives;
  expect(await archives()).toEqual([]);

  await writeFile(file, Buffer.from(await (await fetchArchive()).arrayBuffer()));
  expect(await check(file)).toMatchObject({ verdict: "complete", faults: [] });
  expect(await archives()).toHaveLength(1);

  // The same in a terminal, beside the server: what is not whole has another name.
  const out = join(folder, "in-a-terminal.zip");
  const command = () => cli("export", "--conversation", place, "--out", out);
  const dying = command();
  await expect
    .poll(() => existsSync(`${out}.part`) && statSync(`${out}.part`).size > 0, { timeout: 60_000 })
    .toBe(true);
  dying.child.kill("SIGKILL");
  await dying.ended;
  expect(existsSync(out)).toBe(false);
  expect((await check(`${out}.part`)).faults.join()).toContain("breaks off");
  expect((await command().ended).code).toBe(0);
  expect([existsSync(`${out}.part`), await check(out)]).toMatchObject([false, { verdict: "complete" }]);
}, 240_000);

test("what a second officer approved and a killed server did not carry out is carried out when it starts again", async () => {
  expect((await cli("policy", "set", "four-eyes", "all").ended).code).toBe(0);
  const ada = await api.person("ada");
  const placed = await officer.post("/compliance/holds", { userId: ada.userId, reason: "a lawsuit" });
  const holdId = String(placed.body.holdId);
  expect(await officer.delete(`/compliance/holds/${holdId}`)).toMatchObject({ status: 202 });
  // As far as another process came that was killed then.
  const config = readConfig({ SCRIPTA_DATA: folder, SCRIPTA_LOG_LEVEL: "warn" });
  const beside = await openFoundation({ config, logger: createLogger("warn"), alone: false });
  const by = byTenant(beside.engine, "main");
  expect(await giveApproval(beside.engine, holdId, by)).toBeUndefined();
  await beside.stop();
  const standing = async () => items(await officer.get("/compliance/holds")).map((hold) => hold.holdId);
  expect(await standing()).toEqual([holdId]);
  await restart();
  await expect.poll(standing, { timeout: 20_000 }).toEqual([]);
  expect(items(await officer.get("/compliance/approvals"))).toEqual([]);
}, 180_000);
