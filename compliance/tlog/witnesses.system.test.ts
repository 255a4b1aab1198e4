import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../infra/clock.ts";
import { fileLogSigner } from "../../infra/keys/fileLogSigner.ts";
import { fileWitnessKey } from "../../infra/keys/fileWitnessKey.ts";
import { apiOf, group, passwordOf, send } from "../../test/support/apiClient.ts";
import { startInProcess } from "../../test/support/inProcess.ts";
import { scripta } from "../../test/support/scriptaProcess.ts";
import { checkProof } from "../verifier/checkProof.ts";
import { parseCheckpoint } from "../verifier/checkpoint.ts";
import { cosignersOf } from "../verifier/cosignature.ts";
import { parseNote, parseVerifierKey, parseWitnessKey } from "../verifier/note.ts";

const NAME = "log.example/witnessed";
let folder: string;
let logKey: string;
let witness: ReturnType<typeof scripta>;
let witnessKey: string;
let server: Awaited<ReturnType<typeof startInProcess>>;

async function until<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  const end = performance.now() + 15_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`not within 15 s: ${what}`);
    await pause(50);
  }
}

/** The program itself, as an auditor starts it: gives what the log is to be told. */
async function startWitness(port: string) {
  const key = join(folder, "witness.key");
  const run = scripta(["witness", "--key", key, "--name", "auditor.example/w1", "--log", logKey, "--port", port]);
  const told = await until(
    async () => /SCRIPTA_WITNESSES="(\S+) http:\/\/[^:]+:(\d+)"/.exec(run.output()) ?? undefined,
    "it listens",
  );
  const [, verifier = "", listens = ""] = told;
  return { run, verifier, port: listens };
}

let port: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-witnesses-"));
  const keys = join(folder, "keys");
  [logKey = ""] = await fileLogSigner(join(keys, "tlog"), systemClock).verifierKeys(NAME);
  const started = await startWitness("0");
  ({ run: witness, verifier: witnessKey, port } = started);
  const absent = await fileAbsentKey();
  server = await startInProcess({
    SCRIPTA_BOOTSTRAP_ADMIN: `root:${passwordOf("root")}`,
    SCRIPTA_ORIGIN: NAME,
    SCRIPTA_KEYS: keys,
    // The second one listens nowhere.
    SCRIPTA_WITNESSES: `${witnessKey} http://127.0.0.1:${port}/, ${absent} http://127.0.0.1:1`,
  });
}, 60_000);
afterAll(async () => {
  await server?.stop();
  witness?.child.kill("SIGTERM");
  await witness?.ended;
  await rm(folder, { recursive: true });
});

async function fileAbsentKey(): Promise<string> {
  return (await fileWitnessKey(join(folder, "absent.key"), "absent.example/w2")).verifierKey;
}

const checkpoint = async () => (await fetch(`${server.url}/tlog/checkpoint`)).text();
/** The served checkpoint once it covers so many entries and is cosigned. */
const cosigned = (entries: number) =>
  until(async () => {
    const note = await checkpoint();
    const [cosigner] = await cosignersOf(note, [parseWitnessKey(witnessKey)]);
    return cosigner && parseCheckpoint(parseNote(note).text).size >= entries ? note : undefined;
  }, "the checkpoint is cosigned");

test("an auditor's witness cosigns what the server signs, in checkpoints and proofs, also after it was away; an absent one holds nothing up", async () => {
  const api = apiOf(server.url);
  const ada = await api.person("ada");
  const here = await group(ada, []);
  const said = await send(ada, here, "witnessed");
  const first = parseCheckpoint(parseNote(await cosigned(1)).text);

  witness.child.kill("SIGKILL");
  await witness.ended;
  await send(ada, here, "while it was away");
  const alone = await until(async () => {
    const note = await checkpoint();
    return parseCheckpoint(parseNote(note).text).size > first.size ? note : undefined;
  }, "a checkpoint comes without it");
  expect(await cosignersOf(alone, [parseWitnessKey(witnessKey)])).toEqual([]);

  const again = await startWitness(port);
  witness = again.run;
  expect(again.verifier).toBe(witnessKey);
  await send(ada, here, "it is back");
  await cosigned(first.size + 2);

  const answer = await ada.get(`/conversations/${here}/messages/${said.messageId}/proof`);
  const json = JSON.stringify(answer.body);
  const verdict = await checkProof(json, [parseVerifierKey(logKey)], [parseWitnessKey(witnessKey)]);
  expect(verdict).toMatchObject({ verdict: "intact", cosigners: [{ name: "auditor.example/w1" }] });

  const proof = join(folder, "proof.json");
  const absent = await fileAbsentKey();
  await writeFile(proof, json);
  const check = async (...args: string[]) => {
    const { code, stdout } = await scripta(["proof", "check", proof, "--key", logKey, ...args]).ended;
    return { code, stdout };
  };
  expect(await check("--witness", witnessKey, absent)).toEqual({
    code: 1,
    stdout: expect.stringContaining("NOT WITNESSED: cosigned by 1 of the 2 witnesses that it takes"),
  });
  expect(await check("--witness", witnessKey, absent, "--quorum", "1")).toEqual({
    code: 0,
    stdout: expect.stringMatching(/^intact: "witnessed"[\s\S]*cosigned by auditor\.example\/w1, \d{4}-/),
  });
  const state = ["--state", join(folder, "auditor")];
  const log = scripta(["log", "verify", server.url, "--key", logKey, ...state, "--witness", witnessKey, "--json"]);
  expect(await log.ended).toMatchObject({ code: 0, stdout: expect.stringContaining('"witnessed":true') });
}, 60_000);
