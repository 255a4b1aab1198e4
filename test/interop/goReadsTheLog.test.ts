import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { tlogMigrations } from "../../compliance/tlog/migrations.ts";
import { originOf } from "../../compliance/tlog/origin.ts";
import { createSequencer } from "../../compliance/tlog/sequencer.ts";
import { serveLog } from "../../compliance/tlog/serveLog.ts";
import { inclusionProof } from "../../compliance/tlog/tree.ts";
import { followLog } from "../../compliance/verifier/followLog.ts";
import { parseVerifierKey } from "../../compliance/verifier/note.ts";
import { tlogProofText } from "../../compliance/verifier/tlogProof.ts";
import { streamId, uuidV5 } from "../../domain/ids.ts";
import { systemClock } from "../../infra/clock.ts";
import { MemoryEventLog } from "../../infra/eventLog/memoryEventLog.ts";
import { fileLogSigner } from "../../infra/keys/fileLogSigner.ts";
import { memorySecretStore } from "../../infra/keys/memorySecretStore.ts";
import { migrate } from "../../infra/postgres/migrate.ts";
import { createSealing } from "../../sealing/sealing.ts";
import { type FreshDatabase, freshDatabase } from "../support/postgres.ts";

const NAME = "log.example/interop";
const INDEX = 300;
const go = (args: readonly string[]) => spawnSync("go", args, { cwd: import.meta.dirname, encoding: "utf8" });
/** Go, and the module that it checks its own checksum database with. */
const hasGo = go(["mod", "download"]).status === 0;

let folder: string;
let db: FreshDatabase;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-interop-"));
  db = await freshDatabase();
});
afterAll(async () => {
  await db.drop();
  await rm(folder, { recursive: true });
});

async function append(log: MemoryEventLog, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++) {
    const command = { commandId: uuidV5(`command ${n}`), actorId: null, payloadHash: new Uint8Array(32) };
    const event = { type: "Said", version: 1, target: null, data: `{"n":${n}}`, meta: "{}", sealed: null };
    await log.append(streamId("main", "user", uuidV5("one")), n - 1, [{ ...command, events: [event] }]);
  }
}

/** A log of 700 entries as it is served, with an earlier checkpoint and a proof, in files. */
async function writeLog(): Promise<string> {
  await migrate(db.database, tlogMigrations());
  const sealing = createSealing({ secrets: memorySecretStore() });
  const signer = fileLogSigner(join(folder, "keys"), systemClock);
  const log = new MemoryEventLog();
  const parts = { log, database: db.database, sealing, signer, name: NAME };
  const fail = (error: unknown) => {
    throw error;
  };
  const sequencer = createSequencer({ ...parts, onProblem: fail, onRefused: fail });
  const served = async (path: string) => {
    const file = await serveLog(path, parts);
    if (!file) throw new Error(`${path} is not there`);
    return file.bytes;
  };
  const key = new TextDecoder().decode(await served("key"));
  const untilSigned = (size: number) =>
    expect
      .poll(
        async () =>
          (await serveLog("checkpoint", parts))?.bytes.length &&
          new TextDecoder().decode(await served("checkpoint")).split("\n")[1],
        { timeout: 10_000 },
      )
      .toBe(String(size));
  sequencer.start();
  await append(log, 0, 600);
  await untilSigned(600);
  await writeFile(join(folder, "earlier"), await served("checkpoint"));
  await append(log, 600, 700);
  await untilSigned(700);
  await followLog(
    async (path) => {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), await served(path));
      return readFile(join(folder, path));
    },
    [parseVerifierKey(key)],
  );
  await sequencer.stop();
  const checkpoint = new TextDecoder().decode(await served("checkpoint"));
  const path = await inclusionProof(db.database, INDEX, 700);
  await writeFile(join(folder, "proof"), tlogProofText({ index: INDEX, path, checkpoint }));
  expect(originOf(NAME, await log.epoch())).toBe(NAME);
  return key;
}

test.skipIf(!hasGo)(
  "Go's own transparency log reads our checkpoints, tiles, entries and proofs (needs go)",
  async () => {
    const key = await writeLog();
    const program = join(folder, "interop");
    expect(go(["build", "-o", program, "."])).toMatchObject({ status: 0, stderr: "" });
    const read = () => spawnSync(program, [folder, key], { encoding: "utf8" });
    expect(read()).toMatchObject({ status: 0, stdout: "700 entries, from 600, proof of 300\n" });

    for (const file of [
      "tile/0/000",
      "tile/0/002.p/188",
      "tile/1/000.p/2",
      "tile/entries/001",
      "checkpoint",
      "earlier",
      "proof",
    ]) {
      const whole = await readFile(join(folder, file));
      const altered = Buffer.from(whole);
      // A digit of a text, or a bit of a hash or an entry.
      const at = file === "proof" ? 40 : file.startsWith("tile") ? 45 : NAME.length + 1;
      altered[at] = (altered[at] ?? 0) ^ 1;
      await writeFile(join(folder, file), altered);
      expect({ file, status: read().status }).toEqual({ file, status: 1 });
      await writeFile(join(folder, file), whole);
    }
    expect(read().status).toBe(0);
  },
  180_000,
);
