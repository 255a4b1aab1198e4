import { createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { cosignatureLine, cosignedText, cosignersOf } from "./cosignature.ts";
import { parseVerifierKey, parseWitnessKey, verifierKey, verifierKeyText } from "./note.ts";

/** Computed by a program in Go, of its standard library alone. */
const vector = z
  .object({
    seed: z.hex(),
    publicKey: z.hex(),
    verifierKey: z.string(),
    checkpoint: z.string(),
    time: z.int(),
    signed: z.string(),
    line: z.string(),
  })
  .parse(JSON.parse(readFileSync(new URL("vectors/cosignature.json", import.meta.url), "utf8")));
const key = parseWitnessKey(vector.verifierKey);
const LOG =
  "— log.example/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE\n";
const note = (...lines: string[]) => `${vector.checkpoint}\n${[LOG, ...lines].join("")}`;

test("a cosignature has the bytes that another program gave it", () => {
  expect(Buffer.from(key.publicKey).toString("hex")).toBe(vector.publicKey);
  expect(verifierKeyText(key, "cosignature")).toBe(vector.verifierKey);
  expect(cosignedText(vector.time, vector.checkpoint)).toBe(vector.signed);
  const pkcs8 = Buffer.from(`302e020100300506032b657004220420${vector.seed}`, "hex");
  const privateKey = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const signature = sign(null, Buffer.from(vector.signed, "utf8"), privateKey);
  expect(cosignatureLine(key, vector.time, signature)).toBe(vector.line);
});

test("a witness counts once, with its own signature of this very checkpoint, and nobody else for it", async () => {
  const cosigner = { name: "witness.example/w1", at: vector.time * 1000 };
  expect(await cosignersOf(note(vector.line), [key])).toEqual([cosigner]);
  expect(await cosignersOf(note(vector.line, vector.line), [key])).toEqual([cosigner]);
  expect(await cosignersOf(note(vector.line), [])).toEqual([]);
  const renamed = verifierKey("witness.example/w2", key.publicKey, "cosignature");
  expect(await cosignersOf(note(vector.line), [renamed])).toEqual([]);
  expect(await cosignersOf(note(vector.line).replace("20852163", "20852164"), [key])).toEqual([]);
});

test("a bit flipped anywhere in a cosignature makes it none", async () => {
  const [, name = "", encoded = ""] = vector.line.trim().split(" ");
  const bytes = Buffer.from(encoded, "base64");
  for (let at = 0; at < bytes.length; at++) {
    const altered = Buffer.from(bytes);
    altered[at] = (altered[at] ?? 0) ^ 1;
    expect(await cosignersOf(note(`— ${name} ${altered.toString("base64")}\n`), [key])).toEqual([]);
  }
  expect(bytes.length).toBe(76);
});

test("the key of a witness is no key of a log, nor the other way round", () => {
  expect(() => parseVerifierKey(vector.verifierKey)).toThrow("not an Ed25519 verifier key");
  const log = verifierKeyText(verifierKey("log.example/l", key.publicKey));
  expect(() => parseWitnessKey(log)).toThrow("not the key of a witness");
});
