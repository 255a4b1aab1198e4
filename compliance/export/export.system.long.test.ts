import { generateKeyPairSync, hash, randomUUID } from "node:crypto";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { exportParts } from "../../infra/verifiableLog.ts";
import { after, apiOf, group, type Person, passwordOf, send } from "../../test/support/apiClient.ts";
import { cutOff, exported, filesIn, forged } from "../../test/support/archives.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { parseVerifierKey, type VerifierKey, verifierKey } from "../verifier/note.ts";
import { checkArchive } from "./check/checkArchive.ts";
import { prepareArchive } from "./makeArchive.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let api: ReturnType<typeof apiOf>;
let folder: string;
let keys: VerifierKey[];
let ada: Person;
let bo: Person;
beforeAll(async () => {
  server = await startInProcess({ SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}` });
  api = apiOf(server.url);
  folder = await mkdtemp(join(tmpdir(), "scripta-exports-"));
  keys = [parseVerifierKey(await (await fetch(`${server.url}/tlog/key`)).text())];
  [ada, bo] = await Promise.all([api.person("ada"), api.person("bo")]);
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

const foundation = () => server.running.foundation;

/** What a JSON export tells of a stream. */
function told(files: ReadonlyMap<string, Buffer>, path: string) {
  const text = files.get(path)?.toString("utf8") ?? "";
  return text
    .split("\n")
    .slice(0, -1)
    .map((line): unknown => JSON.parse(line));
}

test("a conversation's archive tells every version and deletion, who was in it, and is complete to whoever has the key", async () => {
  const here = await group(ada, [bo], "The ward");
  const said = await send(ada, here, "Take 5 mg at night");
  const regretted = await send(bo, here, "not meant so");
  await ada.patch(`/conversations/${here}/messages/${said.messageId}`, { text: "Take 50 mg at night" });
  await bo.delete(`/conversations/${here}/messages/${regretted.messageId}`);
  await ada.delete(`/conversations/${here}/members/${bo.userId}`);

  const { file, made } = await exported(foundation(), folder, { kind: "conversation", conversationIds: [here] });
  expect(await checkArchive(file, keys)).toMatchObject({ verdict: "complete", faults: [], notes: [] });
  const files = await filesIn(file);
  expect(made.events).toBe(told(files, `log/conversation-${here}.jsonl`).length - 1);
  expect(told(files, `json/conversation-${here}.jsonl`)).toMatchObject([
    { what: "created" },
    { what: "named", text: "The ward" },
    { what: "joined", person: "ada", details: { role: "owner" } },
    { what: "joined", person: "bo", details: { role: "member" } },
    { what: "sent", text: "Take 5 mg at night", person: "ada", state: "readable" },
    { what: "sent", text: "not meant so", person: "bo" },
    { what: "edited", text: "Take 50 mg at night", messageId: said.messageId },
    { what: "deleted", messageId: regretted.messageId, actorId: bo.userId },
    { what: "left", person: "bo", actorId: ada.userId },
  ]);
});

describe("an archive that somebody laid hands on", () => {
  let file: string;
  let other: string;
  let here: string;
  beforeAll(async () => {
    here = await group(ada, [bo], "Ward 2");
    for (const text of ["one", "two", "three"]) await send(ada, here, text);
    const asked = { kind: "conversation", conversationIds: [here], format: "csv" };
    file = (await exported(foundation(), folder, asked)).file;
    other = (await exported(foundation(), folder, asked)).file;
  });
  const evidence = () => `log/conversation-${here}.jsonl`;
  const rendered = () => `csv/conversation-${here}.csv`;
  const faultsOf = async (path: string, as: "tampered" | "incomplete" = "tampered", by = keys) => {
    const { verdict, faults } = await checkArchive(path, by);
    expect(verdict).toBe(faults.length === 0 ? "complete" : as);
    return faults.join("\n");
  };
  const without = (files: Map<string, Buffer>, path: string, line: string) =>
    files.set(
      path,
      Buffer.from(
        (files.get(path)?.toString() ?? "")
          .split(/(?<=\n)/)
          .filter((one) => !one.includes(line))
          .join(""),
      ),
    );

  test("is found out by any one byte of any of its files", async () => {
    const files = await filesIn(file);
    expect(files.size).toBeGreaterThan(8);
    for (const [name, bytes] of files)
      for (const at of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
        const path = await forged(file, (all) => {
          const altered = Buffer.from(bytes);
          altered[at] = (altered[at] ?? 0) ^ 1;
          all.set(name, altered);
        });
        // Who checks by a key of one's own does not look at the one in the archive, but at its sum.
        expect({ name, at, faults: await faultsOf(path) }).toMatchObject({ faults: expect.stringContaining(name) });
      }
  });

  test("is found out by a message that was taken out of the evidence, and by one taken out of what is read", async () => {
    const taken = await forged(file, (files) => without(files, evidence(), '"revision":5,'), { sums: true });
    expect(await faultsOf(taken, "incomplete")).toContain("revision 6 follows where 5 is due");
    const unread = await forged(file, (files) => without(files, rendered(), ",two,"));
    expect(await faultsOf(unread)).toContain(`${rendered()} was altered`);
  });

  test("is found out by a file that is missing, and by one that was put in", async () => {
    const missing = async (path: string) => faultsOf(await forged(file, (files) => files.delete(path)), "incomplete");
    expect(await missing(rendered())).toContain(`${rendered()} is missing`);
    expect(await missing(evidence())).toContain(evidence());
    const more = await forged(file, (files) => files.set("csv/more.csv", Buffer.from("x")));
    expect(await faultsOf(more)).toBe("csv/more.csv is not of this archive");
  });

  test("is found out where it breaks off, anywhere", async () => {
    const { size } = await stat(file);
    for (const bytes of [0, 100, Math.floor(size / 2), size - 1])
      expect(await faultsOf(await cutOff(file, bytes), "incomplete")).toContain("breaks off");
  });

  test("is found out by the key of another log, and by the manifest of another archive", async () => {
    const { publicKey } = generateKeyPairSync("ed25519");
    const raw = publicKey.export({ format: "der", type: "spki" }).subarray(-32);
    const name = keys[0]?.name ?? "";
    expect(await faultsOf(file, "tampered", [verifierKey(name, new Uint8Array(raw))])).toContain(
      "not signed by this key",
    );
    const theirs = await filesIn(other);
    for (const swapped of [
      ["manifest.json"],
      ["manifest.json", "manifest.note"],
      ["manifest.note"],
      ["checkpoint.note"],
    ]) {
      const path = await forged(file, (files) => {
        for (const one of swapped) files.set(one, theirs.get(one) ?? Buffer.alloc(0));
      });
      expect({ swapped, faults: await faultsOf(path) }).not.toMatchObject({ faults: "" });
    }
  });

  test("without a key is held against the one that it brings, and that is said", async () => {
    expect(await checkArchive(file, undefined)).toMatchObject({
      verdict: "complete",
      notes: [expect.stringContaining("the key that it brings itself")],
    });
  });
});

test("what lies before a time is accounted for by hashes alone, and what was said there is nowhere in the archive", async () => {
  const here = await group(ada, [bo], "Ward 3");
  const early = await send(ada, here, "the early word");
  await expect.poll(() => Date.now() > Date.parse(early.sentAt) + 100).toBe(true);
  const later = await send(ada, here, "the later word");
  const asked = { kind: "conversation", conversationIds: [here], from: later.sentAt };
  const { file } = await exported(foundation(), folder, asked);
  const report = await checkArchive(file, keys);
  expect(report).toMatchObject({
    verdict: "complete",
    manifest: { streams: [{ events: 6, shown: 5, withheld: 1 }] },
  });
  const text = [...(await filesIn(file)).values()].join("\n");
  expect(text).toContain("the later word");
  expect(text).not.toContain("the early word");
});

test("an officer asks over HTTP and fetches the archive; that is written down first, and told in the log", async () => {
  const officer = await api.login("root");
  const here = await group(ada, [bo], "Ward 4");
  await send(ada, here, "over HTTP");
  const key = { "idempotency-key": randomUUID() };
  const asked = { body: { kind: "conversation", conversationIds: [here], format: "html" }, headers: key };
  const requested = await officer.post("/compliance/exports", asked);
  expect(requested).toMatchObject({ status: 202, body: { status: "ready" } });
  expect((await officer.post("/compliance/exports", asked)).body).toEqual(requested.body);
  const { exportId } = requested.body;
  const fetched = await fetch(`${server.url}/api/v1/compliance/exports/${exportId}/archive`, {
    headers: { authorization: `Bearer ${officer.token}` },
  });
  expect([fetched.status, fetched.headers.get("content-type")]).toEqual([200, "application/zip"]);
  const file = join(folder, "fetched.zip");
  await writeFile(file, Buffer.from(await fetched.arrayBuffer()));
  expect(await checkArchive(file, keys)).toMatchObject({ verdict: "complete", faults: [] });
  const { body } = await officer.get(`/compliance/exports/${exportId}`);
  const manifest = (await filesIn(file)).get("manifest.json") ?? Buffer.alloc(0);
  expect(body).toMatchObject({ kind: "conversation", archives: [{ manifest: hash("sha256", manifest) }] });
  const { rows } = await foundation().database.query(
    "select actor from compliance.access_log where action = 'export' and about->>'exportId' = $1",
    [exportId],
  );
  expect(rows).toEqual([{ actor: officer.userId }]);

  expect((await bo.post("/compliance/exports", { kind: "conversation", conversationIds: [here] })).status).toBe(403);
  for (const bad of [
    { kind: "conversation" },
    { kind: "person" },
    { kind: "conversation", conversationIds: [], holdId: here },
  ])
    expect((await officer.post("/compliance/exports", bad)).status).toBe(400);
  const nowhere = { kind: "conversation", conversationIds: [randomUUID()] };
  expect((await officer.post("/compliance/exports", nowhere)).status).toBe(404);
});

test("where it cannot be written down that an export is given out, it is not", async () => {
  const officer = await api.login("root");
  const here = await group(ada, [bo], "Ward 5");
  const { body } = await officer.post("/compliance/exports", { kind: "conversation", conversationIds: [here] });
  const { database } = foundation();
  await database.query("alter table compliance.access_log rename to access_log_away");
  try {
    const refused = await officer.get(`/compliance/exports/${body.exportId}/archive`);
    expect(refused).toMatchObject({ status: 503, body: { code: "unavailable" } });
  } finally {
    await database.query("alter table compliance.access_log_away rename to access_log");
  }
});

test("an erasure ends the exports that are being given out, and what is not whole is not told as given out", async () => {
  const here = await group(ada, [bo], "Ward 6");
  await send(ada, here, "before the sweep");
  const officer = await api.login("root");
  const { body } = await officer.post("/compliance/exports", { kind: "conversation", conversationIds: [here] });
  const { exports } = foundation().compliance;
  const swept = exports.run("main", async ({ signal }) => {
    const scope = { kind: "conversation" as const, conversationIds: [here], format: "json" as const };
    const it = { tenant: "main", exportId: String(body.exportId), scope };
    const archive = await prepareArchive(exportParts(foundation()), it, { signal });
    const sweeping = exports.sweep("main");
    return Promise.all([archive.write(), sweeping]);
  });
  await expect(swept).rejects.toThrow("begin anew");
  const { body: told } = await officer.get(`/compliance/exports/${body.exportId}`);
  expect(told).toMatchObject({ archives: [] });
});

test("a person's archive holds what they wrote and what is known of them, and no word of anybody else's", async () => {
  const cleo = await api.person("cleo");
  const here = await group(ada, [cleo], "Ward 7");
  await send(ada, here, "ada's secret");
  const said = await send(cleo, here, "the first words of cleo");
  await cleo.patch(`/conversations/${here}/messages/${said.messageId}`, { text: "the later words of cleo" });
  await ada.get("/me", after(said));
  const { file } = await exported(foundation(), folder, { kind: "person", userId: cleo.userId });
  expect(await checkArchive(file, keys)).toMatchObject({
    verdict: "complete",
    faults: [],
    manifest: { streams: [{}, {}, {}] },
  });
  const files = await filesIn(file);
  expect(told(files, `json/user-${cleo.userId}.jsonl`)).toMatchObject([
    { what: "registered", details: { username: cleo.username, displayName: "cleo" } },
    { what: "signed-in", details: { name: "phone", platform: "test" } },
  ]);
  const texts = told(files, `json/conversation-${here}.jsonl`).flatMap(
    (line) => z.looseObject({ text: z.string().nullable() }).parse(line).text ?? [],
  );
  expect(texts).toEqual(["the first words of cleo", "the later words of cleo"]);
  expect([...files.values()].join("\n")).not.toContain("ada's secret");
  expect(files.has("accesses.jsonl") && files.has("marks.jsonl")).toBe(true);
});

test("what is erased is a tombstone that the log's own erasure covers; what a hold keeps opens in its matter alone", async () => {
  const officer = await api.login("root");
  const dora = await api.person("dora");
  const [held, free] = [await group(ada, [dora], "held"), await group(ada, [dora], "free")];
  const elsewhere = await send(dora, free, "dora elsewhere");
  await send(dora, held, "the word of dora");
  const placed = await officer.post("/compliance/holds", { conversationId: held, reason: "a lawsuit" });
  const holdId = String(placed.body.holdId);
  const erase = { userId: dora.userId, reason: "asked for it", partial: true };
  const erasure = await officer.post("/compliance/erasures", erase);
  const done = async () => (await officer.get(`/compliance/erasures/${erasure.body.erasureId}`)).body.status;
  await expect.poll(done, { timeout: 20_000 }).toBe("done");

  const conversations = { kind: "conversation", conversationIds: [held, free] };
  const open = await exported(foundation(), folder, conversations);
  expect(await checkArchive(open.file, keys)).toMatchObject({ verdict: "complete", faults: [] });
  const files = await filesIn(open.file);
  expect(told(files, `json/conversation-${free}.jsonl`).at(-1)).toMatchObject({
    what: "sent",
    messageId: elsewhere.messageId,
    state: "erased",
    text: null,
    person: null,
  });
  expect(told(files, `json/conversation-${held}.jsonl`).at(-1)).toMatchObject({ state: "held", text: null });
  const uncovered = await forged(open.file, (all) => all.delete(`log/compliance-${erasure.body.erasureId}.jsonl`));
  expect((await checkArchive(uncovered, keys)).faults.join("\n")).toContain("no erasure or retention is shown");

  const matter = await exported(foundation(), folder, { kind: "matter", holdId, format: "html" });
  expect(await checkArchive(matter.file, keys)).toMatchObject({ verdict: "complete", faults: [] });
  expect(String((await filesIn(matter.file)).get(`html/conversation-${held}.html`))).toContain("the word of dora");
}, 40_000);

test("mails have threads as references, and no name or text breaks out of its header, cell or page", async () => {
  const mallory = await api.person("mallory");
  const displayName = '=cmd"\r\nBcc: all@example.org <script>alert(1)</script> Zoë';
  expect((await mallory.patch("/me", { displayName })).status).toBe(200);
  const here = await group(ada, [mallory], "Ward\r\nBcc: all@example.org");
  const root = await send(mallory, here, '=1+1\r\n.\r\n<b>bold</b>, "quoted"');
  await send(ada, here, "@reply", { replyTo: root.messageId, threadRoot: root.messageId });
  await ada.get("/me", after(root));
  const archiveOf = async (format: string) => {
    const { file } = await exported(foundation(), folder, { kind: "conversation", conversationIds: [here], format });
    expect(await checkArchive(file, keys)).toMatchObject({ verdict: "complete", faults: [] });
    return filesIn(file);
  };
  const mails = [...(await archiveOf("eml"))]
    .filter(([name]) => name.endsWith(".eml"))
    .map(([, bytes]) => String(bytes));
  expect(mails).toHaveLength(2);
  for (const mail of mails) {
    expect(mail).not.toMatch(/^Bcc:/m);
    expect(mail.split("\r\n").every((line) => line.length <= 998 && !/[^\x20-\x7e]/.test(line))).toBe(true);
  }
  expect(mails[1]).toContain(
    `In-Reply-To: <${root.messageId}@main.scripta.invalid>\r\nReferences: <${root.messageId}@`,
  );
  const csv = String((await archiveOf("csv")).get(`csv/conversation-${here}.csv`));
  expect(csv).toContain(`"'=1+1\r\n.\r\n<b>bold</b>, ""quoted"""`);
  expect(csv).toContain(",'@reply,");
  expect(csv).toContain(`"'=cmd""`);
  const page = String((await archiveOf("html")).get(`html/conversation-${here}.html`));
  expect(page).toContain("&lt;b&gt;bold&lt;/b&gt;");
  expect(page).not.toMatch(/<(b|script)>/);
});
