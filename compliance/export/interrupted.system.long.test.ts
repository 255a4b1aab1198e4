import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KeysUnavailable, type SecretStore } from "../../infra/ports/secrets.ts";
import { exportParts } from "../../infra/verifiableLog.ts";
import { createSealing } from "../../sealing/sealing.ts";
import { after, apiOf, group, type Person, passwordOf, send } from "../../test/support/apiClient.ts";
import { exported, fetchSigned, filesIn, MUCH, SIGNED_WITHIN_MS, sayMuch } from "../../test/support/archives.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { Retention } from "../retention/retention.ts";
import { parseVerifierKey, type VerifierKey } from "../verifier/note.ts";
import { checkArchive } from "./check/checkArchive.ts";
import { giveOut } from "./giveOut.ts";
import { type Archive, type OnProgress, prepareArchive } from "./makeArchive.ts";
import type { ExportParts } from "./parts.ts";

const DAY_MS = 86_400_000;

let server: Awaited<ReturnType<typeof startInProcess>>;
let api: ReturnType<typeof apiOf>;
let folder: string;
let keys: VerifierKey[];
let [officer, ada, bo]: Person[] = [];
beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
  api = apiOf(server.url);
  folder = await mkdtemp(join(tmpdir(), "scripta-interrupted-exports-"));
  keys = [parseVerifierKey(await (await fetch(`${server.url}/tlog/key`)).text())];
  [officer, ada, bo] = await Promise.all([api.login("root"), api.person("ada"), api.person("bo")]);
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const foundation = () => server.running.foundation;
const them = () => {
  if (!officer || !ada || !bo) throw new Error("nobody is there");
  return { officer, ada, bo };
};
const requested = async (conversationIds: readonly string[]) => {
  const { body } = await them().officer.post("/compliance/exports", { kind: "conversation", conversationIds });
  return String(body.exportId);
};
const givenOut = async (exportId: string) =>
  (await them().officer.get(`/compliance/exports/${exportId}`)).body.archives;
const fetchArchive = (exportId: string) => fetchSigned(server.url, them().officer.token, exportId);

/** Writes what comes of an archive into a file, and gives what it broke off with. */
async function brokenOff(archive: Archive): Promise<{ file: string; error: unknown }> {
  const file = join(folder, `${randomUUID()}.zip`);
  const writing = archive.write().catch((error: unknown) => {
    archive.output.destroy();
    return error;
  });
  await pipeline(archive.output, createWriteStream(file)).catch(() => undefined);
  return { file, error: await writing };
}

const prepared = (exportId: string, conversationIds: string[], parts: ExportParts, onProgress: OnProgress = () => {}) =>
  prepareArchive(
    parts,
    { tenant: "main", exportId, scope: { kind: "conversation", conversationIds, format: "json" } },
    { signal: new AbortController().signal, signedWithinMs: SIGNED_WITHIN_MS, onProgress },
  );

/** Retention as it is ten days on; `waits` destroys, and has not told the log yet. */
const inTenDays = (waits = false) => {
  const { accounts, keys: store } = foundation();
  const { engine } = accounts.parts;
  return new Retention({
    accounts: { ...accounts.parts, engine: { ...engine, clock: { now: () => Date.now() + 10 * DAY_MS } } },
    buckets: store.secrets,
    confirmedForMs: waits ? 3_600_000 : 0,
    onTrouble: () => expect.fail("retention failed"),
  });
};

async function keptForADay(): Promise<{ place: string; messageId: string }> {
  const { officer, ada, bo } = them();
  const place = await group(ada, [bo], "Brief");
  const said = await send(ada, place, "soon gone");
  await officer.put("/compliance/retention", { rules: [{ conversationId: place, days: 1 }] });
  await ada.get("/me", after(said));
  return { place, messageId: said.messageId };
}

test("an export during which days go by retention is not given out whole; the next one shows why they are gone", async () => {
  const { place } = await keptForADay();
  const exportId = await requested([place]);
  const archive = await prepared(exportId, [place], exportParts(foundation()));
  await inTenDays().retire();
  const { file, error } = await brokenOff(archive);
  expect(error).toMatchObject({ name: "ExportSwept" });
  expect((await checkArchive(file, keys)).faults.join()).toContain("breaks off");
  expect(await givenOut(exportId)).toEqual([]);
  const next = await exported(foundation(), folder, { kind: "conversation", conversationIds: [place] });
  expect(await checkArchive(next.file, keys)).toMatchObject({ verdict: "complete", faults: [] });
});

test("while a day is gone that the log does not tell of yet, exports and proofs wait: nothing is called tampered", async () => {
  const { officer, ada } = them();
  const { place, messageId } = await keptForADay();
  const exportId = await requested([place]);
  await inTenDays(true).retire();
  const proof = () => ada.get(`/conversations/${place}/messages/${messageId}/proof`);
  expect(await proof()).toMatchObject({ status: 503, body: { code: "unavailable" } });
  const refused = await officer.get(`/compliance/exports/${exportId}/archive`);
  expect(refused).toMatchObject({ status: 503, body: { code: "unavailable" } });
  expect(refused.body.detail).toContain("going by retention");
  await inTenDays().retire();
  const file = join(folder, "told.zip");
  await writeFile(file, Buffer.from(await (await fetchArchive(exportId)).arrayBuffer()));
  expect(await checkArchive(file, keys)).toMatchObject({ verdict: "complete", faults: [] });
  expect(await proof()).toMatchObject({ status: 200, body: { verdict: "erased" } });
});

test("keys that stop answering break an export off, and never look like an erasure; none is begun without them", async () => {
  const { ada, bo } = them();
  const places = [await group(ada, [bo]), await group(ada, [bo]), await group(ada, [bo])].sort();
  for (const place of places) await send(ada, place, "under a key of its own");
  const exportId = await requested(places);
  const state = { down: false };
  const { secrets } = foundation().keys;
  const whileUp = <T>(work: () => Promise<T>): Promise<T> =>
    state.down ? Promise.reject(new KeysUnavailable("no answer")) : work();
  const failing = {
    ensure: (names) => whileUp(() => secrets.ensure(names)),
    get: (names) => whileUp(() => secrets.get(names)),
    destroy: (names, authors) => whileUp(() => secrets.destroy(names, authors)),
    ledger: (head) => whileUp(() => secrets.ledger(head)),
  } satisfies SecretStore;
  const parts = { ...exportParts(foundation()), secrets: failing, sealing: createSealing({ secrets: failing }) };
  const seen: string[] = [];
  const archive = await prepared(exportId, places, parts, (_, stream) => {
    seen.push(stream);
    state.down = true;
  });
  const { file, error } = await brokenOff(archive);
  expect(error).toBeInstanceOf(KeysUnavailable);
  expect(new Set(seen).size).toBe(1);
  expect((await checkArchive(file, keys)).faults.join()).toContain("breaks off");
  expect(await givenOut(exportId)).toEqual([]);
  const it = {
    tenant: "main",
    exportId,
    scope: { kind: "conversation", conversationIds: places, format: "json" },
  } as const;
  const looking = { tenant: "main", at: new Date(), actor: null, device: null };
  const how = { signal: new AbortController().signal };
  expect(await giveOut(parts, it, looking, how)).toMatchObject({ rejected: "unavailable" });
  state.down = false;
  const next = await exported(foundation(), folder, { kind: "conversation", conversationIds: places });
  expect(await checkArchive(next.file, keys)).toMatchObject({ verdict: "complete", faults: [] });
});

test("an erasure ends the archive that somebody is slow to fetch, and the next one tells of the erasure", async () => {
  const { officer, bo } = them();
  const cleo = await api.person("cleo");
  const place = await group(cleo, [bo]);
  await sayMuch(cleo, place);
  const exportId = await requested([place]);
  const slow = await fetchArchive(exportId);
  const reader = slow.body?.getReader();
  const first = await reader?.read();
  expect([slow.status, first?.done]).toEqual([200, false]);

  const { body } = await officer.post("/compliance/erasures", { userId: cleo.userId, reason: "asked for by letter" });
  const erasure = async () => (await officer.get(`/compliance/erasures/${body.erasureId}`)).body;
  await expect.poll(async () => (await erasure()).status, { timeout: 30_000 }).toBe("done");
  expect((await erasure()).sinks).toContainEqual(expect.objectContaining({ name: "exports", items: 1 }));

  const came = [first?.value ?? new Uint8Array()];
  const rest = async () => {
    for (let more = await reader?.read(); more && !more.done; more = await reader?.read()) came.push(more.value);
  };
  await expect(rest()).rejects.toThrow();
  const file = join(folder, "slow.zip");
  await writeFile(file, Buffer.concat(came));
  expect((await checkArchive(file, keys)).faults.join()).toContain("breaks off");
  expect(await givenOut(exportId)).toEqual([]);

  await writeFile(file, Buffer.from(await (await fetchArchive(exportId)).arrayBuffer()));
  expect(await checkArchive(file, keys)).toMatchObject({ verdict: "complete", faults: [] });
  const told = String((await filesIn(file)).get(`json/conversation-${place}.jsonl`));
  expect(told.match(/"what":"sent".*"state":"erased"/g)).toHaveLength(MUCH);
}, 120_000);
