import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fileSignedHeads } from "../../infra/keys/fileSignedHeads.ts";
import { fileWitnessKey } from "../../infra/keys/fileWitnessKey.ts";
import { checkpointText } from "../verifier/checkpoint.ts";
import { cosignersOf } from "../verifier/cosignature.ts";
import { type Hash, leafHash, nodeHash } from "../verifier/merkle.ts";
import { parseWitnessKey, signatureLine, verifierKey } from "../verifier/note.ts";
import { submissionText } from "./submission.ts";
import { createWitness } from "./witness.ts";

const ORIGIN = "log.example/l";
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "scripta-witness-"));
});
afterAll(() => rm(folder, { recursive: true }));

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const spki = Uint8Array.from(publicKey.export({ format: "der", type: "spki" }).subarray(-32));
const logKey = verifierKey(ORIGIN, spki);
const other = generateKeyPairSync("ed25519").privateKey;

/** Leaves of a history: up to a place the same in all, from there on each its own. */
const history = (name: string, from: number) => (index: number) =>
  leafHash(Buffer.from(index < from ? `${index}` : `${name} ${index}`));
type Leaves = ReturnType<typeof history>;
const honest = history("honest", 0);

const split = (count: number): number => 2 ** Math.floor(Math.log2(count - 1));
const rootOf = (leaves: Leaves, from: number, beyond: number): Hash => {
  if (beyond - from === 1) return leaves(from);
  const middle = from + split(beyond - from);
  return nodeHash(rootOf(leaves, from, middle), rootOf(leaves, middle, beyond));
};
/** @see RFC 6962 §2.1.2 */
const growth = (leaves: Leaves, old: number, from: number, beyond: number, whole = true): Hash[] => {
  if (old === beyond) return whole ? [] : [rootOf(leaves, from, beyond)];
  const middle = from + split(beyond - from);
  return old <= middle
    ? [...growth(leaves, old, from, middle, whole), rootOf(leaves, middle, beyond)]
    : [...growth(leaves, old, middle, beyond, false), rootOf(leaves, from, middle)];
};

function note(leaves: Leaves, size: number, by = privateKey, origin = ORIGIN): string {
  const text = checkpointText({ origin, size, root: rootOf(leaves, 0, size) });
  return `${text}\n${signatureLine(verifierKey(origin, spki), sign(null, Buffer.from(text, "utf8"), by))}`;
}
const submission = (leaves: Leaves, old: number, size: number, checkpoint = note(leaves, size)) =>
  submissionText({ old, path: old === 0 ? [] : growth(leaves, old, 0, size), checkpoint });

let witnesses = 0;
async function aWitness(state = `w${++witnesses}`) {
  const key = await fileWitnessKey(join(folder, `${state}.key`), `witness.example/${state}`);
  const heads = fileSignedHeads(join(folder, state));
  const witness = createWitness({
    logKeys: [logKey],
    heads,
    clock: { now: () => 1_679_315_147_900 },
    cosign: key.cosign,
  });
  return { ...witness, key: parseWitnessKey(key.verifierKey), again: () => aWitness(state) };
}

test("what goes on from the last checkpoint is cosigned, with its time, and again when it is asked for again", async () => {
  const witness = await aWitness();
  for (const [old, size] of [
    [0, 3],
    [3, 8],
    [8, 8],
    [8, 21],
  ] as const) {
    const answer = await witness.addCheckpoint(submission(honest, old, size));
    expect({ size, status: answer.status }).toEqual({ size, status: 200 });
    expect(await cosignersOf(note(honest, size) + answer.body, [witness.key])).toEqual([
      { name: witness.key.name, at: 1_679_315_147_000 },
    ]);
  }
});

test("who is no log of this witness, or unsigned, misshapen or of another size, gets the answer of the standard", async () => {
  const witness = await aWitness();
  const status = async (body: string) => (await witness.addCheckpoint(body)).status;
  expect(await status(submission(honest, 0, 5, note(honest, 5, privateKey, "log.example/x")))).toBe(404);
  expect(await status(submission(honest, 0, 5, note(honest, 5, other)))).toBe(403);
  expect(await status(submissionText({ old: 6, path: [], checkpoint: note(honest, 5) }))).toBe(400);
  for (const body of [
    "",
    "old 1\n",
    `old 01\n\n${note(honest, 5)}`,
    "old 0\n\nnothing\n",
    `old 0\nAAAA\n\n${note(honest, 5)}`,
  ])
    expect({ body, status: await status(body) }).toEqual({ body, status: 400 });
  expect(await status(submissionText({ old: 0, path: [leafHash(spki)], checkpoint: note(honest, 5) }))).toBe(422);
  expect(await status(submission(honest, 0, 5))).toBe(200);
  const behind = { status: 409, type: "text/x.tlog.size", body: "5\n" };
  expect(await witness.addCheckpoint(submission(honest, 3, 8))).toEqual(behind);
  expect(await witness.addCheckpoint(submission(honest, 0, 8))).toEqual(behind);
});

test("a log that was altered, set back or shown in two ways is refused, by the witness that was started again too", async () => {
  let witness = await aWitness();
  expect((await witness.addCheckpoint(submission(honest, 0, 8))).status).toBe(200);
  witness = await witness.again();
  const forked = history("forked", 5);
  expect((await witness.addCheckpoint(submission(forked, 8, 12))).status).toBe(422);
  expect(await witness.addCheckpoint(submission(forked, 8, 8))).toMatchObject({ status: 409, body: "8\n" });
  expect((await witness.addCheckpoint(submission(honest, 5, 6))).status).toBe(409);
  expect((await witness.addCheckpoint(submission(honest, 8, 12))).status).toBe(200);
});

test("whatever is submitted in whatever order, by two processes on one folder, what is cosigned is one history", async () => {
  const asked = fc.record({ fork: fc.nat({ max: 6 }), size: fc.integer({ min: 1, max: 16 }), process: fc.boolean() });
  let seen = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(asked, { minLength: 1, maxLength: 12 }), async (all) => {
      const one = await aWitness();
      const two = await one.again();
      const cosigned: { leaves: Leaves; size: number }[] = [];
      await Promise.all(
        all.map(async ({ fork, size, process }) => {
          const leaves = fork === 0 ? honest : history(`fork ${fork}`, fork);
          // As a log does: it learns from the answer which size the witness knows.
          for (let [old, tries] = [0, 0]; old <= size && tries < 20; tries++) {
            const answer = await (process ? one : two).addCheckpoint(submission(leaves, old, size));
            if (answer.status === 200) cosigned.push({ leaves, size });
            if (answer.status !== 409 || Number(answer.body) === old) return;
            old = Number(answer.body);
          }
        }),
      );
      seen += cosigned.length;
      for (const a of cosigned)
        for (const b of cosigned) {
          const common = Math.min(a.size, b.size);
          expect(rootOf(a.leaves, 0, common)).toEqual(rootOf(b.leaves, 0, common));
        }
    }),
    { numRuns: 40 },
  );
  expect(seen).toBeGreaterThan(40);
}, 20_000);

test("a key file is of one witness, and is made for a name alone", async () => {
  await expect(fileWitnessKey(join(folder, "none.key"), undefined)).rejects.toThrow("name the witness");
  await expect(fileWitnessKey(join(folder, "bad.key"), "two words")).rejects.toThrow("neither spaces nor +");
  const made = await fileWitnessKey(join(folder, "made.key"), "witness.example/made");
  expect((await fileWitnessKey(join(folder, "made.key"), undefined)).verifierKey).toBe(made.verifierKey);
  await expect(fileWitnessKey(join(folder, "made.key"), "witness.example/else")).rejects.toThrow("not of");
});
