import { afterAll, beforeAll, expect, test } from "vitest";
import { apiOf, group, type Person, passwordOf, send } from "../../test/support/apiClient.ts";
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
beforeAll(async () => {
  server = await startInProcess({
    SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}`,
    SCRIPTA_ORIGIN: "log.example/test",
  });
  const api = apiOf(server.url);
  [ada, bo, stranger] = await Promise.all([api.person("ada"), api.person("bo"), api.person("stranger")]);
  conversation = await group(ada, [bo], "proofs");
  for (let n = 0; n < 270; n++) await send(ada, conversation, `message ${n}`);
  keys = [parseVerifierKey(await (await fetch(`${server.url}/tlog/key`)).text())];
}, 60_000);
afterAll(() => server?.stop());

const source: LogSource = async (path) => {
  const answer = await fetch(`${server.url}/tlog/${path}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
};
const proofOf = (person: Person, messageId: string, query = "") =>
  person.get(`/conversations/${conversation}/messages/${messageId}/proof${query}`);
const database = () => server.running.foundation.database;

/** The log as an auditor finds it, once all that is committed is under a checkpoint. */
async function followed() {
  const { rows } = await database().query<{ events: number }>("select count(*) as events from log.events");
  await expect
    .poll(async () => (await followLog(source, keys)).checkpoint.size, { timeout: 5_000 })
    .toBe(rows[0]?.events);
  return followLog(source, keys);
}

test("what was sent is under a checkpoint within about a second, and the whole log can be followed", async () => {
  await send(ada, conversation, "the newest");
  const { checkpoint } = await followed();
  expect(checkpoint).toMatchObject({ origin: "log.example/test", size: expect.toSatisfy((n: number) => n > 270) });
});

test("a proof shows to anybody what was written, and nobody else's words", async () => {
  const { messageId } = await send(ada, conversation, "Take 5 mg at night");
  const answer = await proofOf(bo, messageId);
  expect(answer).toMatchObject({ status: 200, body: { verdict: "intact" } });
  const checked = await checkProof(JSON.stringify(answer.body), keys);
  expect(checked).toMatchObject({ verdict: "intact", content: { text: "Take 5 mg at night" } });
  expect((await proofOf(stranger, messageId)).status).toBe(404);
});
