import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { after, apiOf, group, type Person, passwordOf, type Sent, send } from "../../test/support/apiClient.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { checkProof } from "../verifier/checkProof.ts";
import { followLog, LogFault, type LogSource } from "../verifier/followLog.ts";
import { parseVerifierKey, type VerifierKey } from "../verifier/note.ts";

let server: Awaited<ReturnType<typeof startInProcess>>;
let ada: Person;
let bo: Person;
let stranger: Person;
let conversation: string;
let keys: VerifierKey[];
let messages: Sent[];
beforeAll(async () => {
  server = await startInProcess({
    SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}`,
    SCRIPTA_ORIGIN: "log.example/test",
  });
  const api = apiOf(server.url);
  [ada, bo, stranger] = await Promise.all([api.person("ada"), api.person("bo"), api.person("stranger")]);
  conversation = await group(ada, [bo], "proofs");
  messages = await Promise.all(Array.from({ length: 270 }, (_, n) => send(ada, conversation, `message ${n}`)));
  keys = [parseVerifierKey(await (await fetch(`${server.url}/tlog/key`)).text())];
}, 60_000);
afterAll(() => server?.stop());

const source: LogSource = async (path) => {
  const answer = await fetch(`${server.url}/tlog/${path}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
};
const proofOf = (person: Person, { messageId, position }: { messageId: string; position: number }, query = "") =>
  person.get(`/conversations/${conversation}/messages/${messageId}/proof${query}`, after({ position }));
const database = () => server.running.foundation.database;

/** The log as an auditor finds it, once all that is committed is under a checkpoint. */
async function followed() {
  const isWhole = async () => {
    const { rows } = await database().query<{ last: number }>("select count(*) as last from log.events");
    return (await followLog(source, keys)).checkpoint.size === rows[0]?.last;
  };
  await expect.poll(isWhole, { timeout: 8_000 }).toBe(true);
  return followLog(source, keys);
}

test("what was sent is under a checkpoint within about a second, and the whole log can be followed", async () => {
  await send(ada, conversation, "the newest");
  const { checkpoint } = await followed();
  expect(checkpoint).toMatchObject({ origin: "log.example/test", size: expect.toSatisfy((n: number) => n > 270) });
});

test("a proof shows to anybody what was written, and nobody else's words", async () => {
  const sent = await send(ada, conversation, "Take 5 mg at night");
  const answer = await proofOf(bo, sent);
  expect(answer).toMatchObject({ status: 200, body: { verdict: "intact" } });
  const checked = await checkProof(JSON.stringify(answer.body), keys);
  expect(checked).toMatchObject({ verdict: "intact", content: { text: "Take 5 mg at night" } });
  expect((await proofOf(stranger, sent)).status).toBe(404);
});

test("the proof of an edited message is that of its present text; its other versions are for those who see versions", async () => {
  const sent = await send(ada, conversation, "5 mg");
  const { messageId, revision } = sent;
  const edited = await ada.patch(`/conversations/${conversation}/messages/${messageId}`, { text: "50 mg" });
  expect(edited.status).toBe(200);
  const contentOf = async (person: Person, query = "") =>
    checkProof(JSON.stringify((await proofOf(person, sent, query)).body), keys);
  expect(await contentOf(bo)).toMatchObject({
    content: { text: "50 mg" },
    opening: { event: { type: "MessageEdited" } },
  });
  expect(await contentOf(ada, `?revision=${revision}`)).toMatchObject({ content: { text: "5 mg" } });
  expect((await proofOf(bo, sent, `?revision=${revision}`)).status).toBe(403);
  expect((await proofOf(ada, sent, "?revision=0")).status).toBe(404);
});

test("a deleted message stays proven, and its text stays closed", async () => {
  const sent = await send(bo, conversation, "not meant so");
  expect((await bo.delete(`/conversations/${conversation}/messages/${sent.messageId}`)).status).toBe(200);
  const { body } = await proofOf(ada, sent);
  expect(body).toMatchObject({ verdict: "intact", opening: { sealed: { mk: null } } });
  const checked = await checkProof(JSON.stringify(body), keys);
  expect(checked).toMatchObject({ verdict: "intact", opening: { event: { type: "MessageSent" } } });
  expect(checked).not.toHaveProperty("content");
  expect((await proofOf(ada, sent, "?revision=0")).status).toBe(404);
});

test("an erased person's message is proven erased, by the erasure that is in the log itself", async () => {
  const api = apiOf(server.url);
  const officer = await api.login("root");
  const carol = await api.person("carol");
  await ada.post(`/conversations/${conversation}/members`, { userId: carol.userId });
  const sent = await send(carol, conversation, "words of carol");
  const erasure = await officer.post("/compliance/erasures", { userId: carol.userId, reason: "asked for" });
  expect(erasure.status).toBe(202);
  const proof = async () => (await proofOf(ada, sent)).body;
  await expect.poll(async () => (await proof()).verdict, { timeout: 10_000 }).toBe("erased");
  const erased = await proof();
  const checked = await checkProof(JSON.stringify(erased), keys);
  expect(checked).toMatchObject({ verdict: "erased", by: { opening: { event: { type: "ErasureRequested" } } } });
  const { coveredBy: _, ...uncovered } = erased;
  expect(await checkProof(JSON.stringify(uncovered), keys)).toMatchObject({ verdict: "tampered" });
  const another = await proofOf(ada, await send(ada, conversation, "words of ada"));
  const { opening } = z
    .object({ opening: z.object({ sealed: z.record(z.string(), z.unknown()) }).loose() })
    .parse(another.body);
  const pretended = { ...another.body, opening: { ...opening, sealed: { ...opening.sealed, mk: null } } };
  expect(
    await checkProof(JSON.stringify({ ...pretended, verdict: "erased", coveredBy: erased.coveredBy }), keys),
  ).toEqual({
    verdict: "tampered",
    why: "the erasure or retention that is named does not cover this event",
  });
});

test("what an auditor is shown of a deleted message is written down, opens it, and follows what was before it", async () => {
  const sent = await send(bo, conversation, "deleted soon");
  await bo.delete(`/conversations/${conversation}/messages/${sent.messageId}`);
  const officer = await apiOf(server.url).login("root", "desk");
  const path = `/conversations/${conversation}/messages/${sent.messageId}/proof`;
  const { status, body } = await officer.get(`/compliance${path}`);
  expect(status).toBe(200);
  expect(await checkProof(JSON.stringify(body), keys)).toMatchObject({ content: { text: "deleted soon" } });
  const { opening } = z.object({ opening: z.record(z.string(), z.unknown()) }).parse(body);
  const elsewhere = { ...opening, prevLeaf: Buffer.alloc(32).toString("base64") };
  expect(await checkProof(JSON.stringify({ ...body, opening: elsewhere }), keys)).toMatchObject({
    why: "the event does not follow the one that is named before it",
  });
  const { rows } = await database().query("select from compliance.access_log where action = 'read-proof'");
  expect(rows).toHaveLength(1);
  expect((await ada.get(`/compliance${path}`)).status).toBe(403);
});

/** Each is one statement on one row of the message's event, undone afterwards. */
const alterations: Readonly<Record<string, string>> = {
  "a fact": `update log.events set data = replace(data::text, '"kind":"text"', '"kind":"texT"')::json`,
  "who it was": `update log.events set meta = replace(meta::text, '"actorId":"', '"actorid":"')::json`,
  "white space of its facts": `update log.events set data = (data::text || ' ')::json`,
  "its time": "update log.events set recorded_at = recorded_at - 1",
  "its type": "update log.events set type = 'MessageEdited'",
  "its version": "update log.events set version = 2",
  "its place in the conversation": "update log.events set revision = 100000",
  "the conversation it is in": "update log.events set stream_no = 1, revision = 100000",
  "a bit of its text": "update log.events set sealed = set_byte(sealed, 50, get_byte(sealed, 50) # 4)",
  "a bit of what commits to its key": "update log.events set sealed = set_byte(sealed, 3, get_byte(sealed, 3) # 1)",
  "a bit of its nonce": "update log.events set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)",
  "the last byte of its text": "update log.events set sealed = substring(sealed for octet_length(sealed) - 1)",
  "its whole text": "update log.events set sealed = null, subject = null, bucket = null",
  "the day that it is sealed for": "update log.events set bucket = '2020-01-01'",
  "its author": "update log.events set subject = command",
  "that it ever was": "delete from log.events",
};

test.each(Object.entries(alterations))(
  "whoever alters %s of an event in the database is found by any auditor",
  async (what, statement) => {
    const sent = messages[Object.keys(alterations).indexOf(what) + 100];
    if (!sent) throw new Error("no message to alter");
    const { position } = sent;
    const { rows } = await database().query<{ index: number }>("select index from tlog.entries where position = $1", [
      position,
    ]);
    const entry = `entry ${rows[0]?.index}: it is not what the tree has there`;
    await database().query("create table public.kept as select * from log.events where position = $1", [position]);
    try {
      const { rowCount } = await database().query(`${statement} where position = $1`, [position]);
      expect(rowCount).toBe(1);
      await expect(followLog(source, keys)).rejects.toThrow(new LogFault(entry));
      const { status, body } = await proofOf(ada, sent);
      if (status === 200) expect(body.verdict).toBe("tampered");
      else expect(status).toBe(503);
    } finally {
      await database().query("delete from log.events where position = $1", [position]);
      await database().query("insert into log.events select * from public.kept");
      await database().query("drop table public.kept");
    }
    expect((await proofOf(ada, sent)).body.verdict).toBe("intact");
  },
);

test("fault 18: a bit of a tile, a bundle or a checkpoint on its way is found and named", async () => {
  const { checkpoint } = await followed();
  const flip =
    (which: string, at: number): LogSource =>
    async (path) => {
      const bytes = await source(path);
      return path === which ? bytes.map((byte, n) => (n === at ? byte ^ 1 : byte)) : bytes;
    };
  await expect(followLog(flip("tile/0/000", 37), keys)).rejects.toThrow("entry 1: it is not what the tree has there");
  await expect(followLog(flip("tile/entries/000", 200), keys)).rejects.toThrow(
    "entry 1: it is not what the tree has there",
  );
  await expect(followLog(flip("tile/entries/000", 120), keys)).rejects.toThrow("not an entry");
  await expect(followLog(flip("tile/1/000.p/1", 5), keys)).rejects.toThrow("tile/1/000.p/1: its hash 0 is not that of");
  const size = `log.example/test\n${checkpoint.size}`.length;
  await expect(followLog(flip("checkpoint", size - 1), keys)).rejects.toThrow("not signed by this key");
});

test("the log may only grow: what was seen last must be its beginning", async () => {
  const { note, checkpoint } = await followed();
  await send(ada, conversation, "one more");
  await followed();
  expect((await followLog(source, keys, note)).checkpoint.size).toBeGreaterThan(checkpoint.size);
  const old: LogSource = async (path) => (path === "checkpoint" ? new TextEncoder().encode(note) : source(path));
  const newest = (await followed()).note;
  await expect(followLog(old, keys, newest)).rejects.toThrow("the log has shrunk");
});
