import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { hexOf } from "./bytes.ts";
import { checkProof } from "./checkProof.ts";
import { metaCommit, payloadCommit } from "./entry.ts";
import { leafHash, nodeHash } from "./merkle.ts";
import { parseVerifierKey, type VerifierKey } from "./note.ts";
import { parseProofDocument } from "./proofDocument.ts";
import { parseTlogProof } from "./tlogProof.ts";

const read = (name: string): string => readFileSync(new URL(`vectors/${name}`, import.meta.url), "utf8");
const example = read("example.json");
const Parts = z.object({
  proof: z.string(),
  entry: z.string(),
  opening: z.record(z.string(), z.unknown()).and(z.object({ sealed: z.record(z.string(), z.unknown()) })),
  verdict: z.string(),
});
let keys: VerifierKey[];
beforeAll(() => {
  keys = [parseVerifierKey(read("example.key"))];
});
const verdictOf = async (proof: unknown) => (await checkProof(JSON.stringify(proof), keys)).verdict;

test("a proof that a server once gave is checked for ever", async () => {
  expect(await checkProof(example, keys)).toMatchObject({
    verdict: "intact",
    content: { text: "Take 5 mg at night" },
    index: 6,
    checkpoint: { origin: "scripta.local/log", size: 7 },
  });
});

/** The last character but one of each base64 text, a digit or letter of each other. */
function altered(value: string): string {
  const at = Math.max(0, value.length - 4);
  const character = value[at] === "A" ? "B" : "A";
  return value.slice(0, at) + character + value.slice(at + 1);
}

test("whatever is altered in a proof is found", async () => {
  const parts = Parts.parse(JSON.parse(example));
  const { opening } = parts;
  const wrong: Record<string, unknown> = { entry: { ...parts, entry: altered(parts.entry) } };
  for (const [name, value] of Object.entries(opening)) {
    if (name === "sealed" || name === "event") continue;
    const other = typeof value === "number" ? value + 1 : altered(String(value));
    wrong[name] = { ...parts, opening: { ...opening, [name]: other } };
  }
  for (const [name, value] of Object.entries(opening.sealed))
    wrong[name] = { ...parts, opening: { ...opening, sealed: { ...opening.sealed, [name]: altered(String(value)) } } };
  for (const event of [{ id: "x" }, { type: "MessageEdited" }, { version: 2 }])
    wrong[JSON.stringify(event)] = { ...parts, opening: { ...opening, event: { ...Object(opening.event), ...event } } };
  wrong["no content"] = { ...parts, opening: { ...opening, sealed: null } };
  wrong["said to be erased"] = {
    ...parts,
    verdict: "erased",
    opening: { ...opening, sealed: { ...opening.sealed, mk: null } },
  };
  const lines = parts.proof.split("\n");
  lines.forEach((line, at) => {
    if (line !== "") wrong[`line ${at} of the proof`] = { ...parts, proof: lines.with(at, altered(line)).join("\n") };
  });
  wrong["a line too many"] = { ...parts, proof: lines.toSpliced(3, 0, lines[2] ?? "").join("\n") };
  wrong["a line too few"] = { ...parts, proof: lines.toSpliced(2, 1).join("\n") };
  expect(Object.keys(wrong).length).toBeGreaterThan(25);
  for (const [name, proof] of Object.entries(wrong))
    expect({ name, verdict: await verdictOf(proof) }).toEqual({ name, verdict: "tampered" });
});

test("every bit of a proof that means something counts", async () => {
  const bytes = Buffer.from(JSON.stringify(Parts.parse(JSON.parse(example))));
  const text = bytes.toString("utf8");
  // The server's own verdict is not believed, and what is named otherwise is not looked at.
  const verdictAt = text.indexOf('"verdict"');
  let found = 0;
  for (let at = 0; at < verdictAt; at += 3) {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    const { verdict } = await checkProof(flipped.toString("utf8"), keys);
    if (verdict === "tampered") found++;
    else expect(text.slice(at - 12, at + 12)).toMatch(/prevLeaf|linkSalt/);
  }
  expect(found).toBeGreaterThan(500);
});

test("a proof under another log's key, or none, is worth nothing", async () => {
  const { publicKey, id } = keys[0] ?? { publicKey: new Uint8Array(32), id: new Uint8Array(4) };
  expect(await checkProof(example, [{ name: "another/log", publicKey, id }])).toMatchObject({ verdict: "tampered" });
  expect(await checkProof(example, [])).toMatchObject({ verdict: "tampered" });
  expect(await checkProof("{}", keys)).toMatchObject({ verdict: "tampered" });
  expect(await checkProof("not JSON", keys)).toMatchObject({ verdict: "tampered" });
});

test("the bytes of the worked example are those of the guide", async () => {
  const guide = readFileSync(new URL("../../docs/verifiable-log.md", import.meta.url), "utf8");
  const { entry, opening, proof } = parseProofDocument(example);
  const { path } = parseTlogProof(proof);
  const leaf = leafHash(entry);
  const [first = leaf, second = leaf] = path;
  const bytes = [
    ...[entry.subarray(0, 10), entry.subarray(10, 18), entry.subarray(18, 50)],
    ...[metaCommit(opening), payloadCommit(opening.sealed), opening.link, leaf, first, second],
    ...[nodeHash(first, leaf), nodeHash(second, nodeHash(first, leaf))],
    ...(opening.sealed ? [opening.sealed.commitment] : []),
  ];
  expect(bytes).toHaveLength(12);
  for (const value of bytes) expect(guide).toContain(hexOf(value));
  expect(guide).toContain(read("example.key").trim());
});
