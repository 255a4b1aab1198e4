import { generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { z } from "zod";
import { cosignatureLine, cosignedText } from "../../compliance/verifier/cosignature.ts";
import { parseNote, verifierKey, verifierKeyText } from "../../compliance/verifier/note.ts";
import { parseTlogProof } from "../../compliance/verifier/tlogProof.ts";
import { proofPage } from "./page/proofPage.ts";

const example = (name: string) =>
  readFileSync(new URL(`../../compliance/verifier/vectors/${name}`, import.meta.url), "utf8");

type Anything = (...given: readonly unknown[]) => unknown;

/** The verifier as the page has it, where there is no Node. */
function verifierOf(page: string): Readonly<Record<"check" | "keyOf" | "checkWith" | "isWitnessed", Anything>> {
  const [, script = ""] = /<script>([\s\S]*)<\/script>/.exec(page) ?? [];
  const code = `${script.slice(0, script.indexOf("const at = (id)"))}\n({ check: checkProof, keyOf: parseVerifierKey, checkWith, isWitnessed })`;
  const known = { crypto, TextEncoder, TextDecoder, atob, btoa, SyntaxError, Error, Uint8Array, DataView, JSON };
  return runInNewContext(code, known);
}

test("the page that works from disk comes to the verdict of the command line, by the same code", async () => {
  const page = proofPage();
  expect(page).not.toMatch(/\bimport\b|https?:\/\/(?!c2sp\.org|www\.w3\.org)/);
  const { check, keyOf } = verifierOf(page);
  const key = keyOf(example("example.key"));
  expect(await check(example("example.json"), [key])).toMatchObject({ verdict: "intact" });
  const altered = example("example.json").replace('"revision": 3', '"revision": 4');
  expect(await check(altered, [key])).toMatchObject({ verdict: "tampered" });
});

test("the page counts the witnesses that were named, as the command line does, and says where one did not cosign", async () => {
  const { checkWith, isWitnessed } = verifierOf(proofPage());
  const document = z.looseObject({ proof: z.string() }).parse(JSON.parse(example("example.json")));
  const { text } = parseNote(parseTlogProof(document.proof).checkpoint);
  const witness = (name: string) => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const raw = new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(-32));
    const key = verifierKey(name, raw, "cosignature");
    const seconds = 1_700_000_000;
    const signature = sign(null, Buffer.from(cosignedText(seconds, text), "utf8"), privateKey);
    return { key: verifierKeyText(key, "cosignature"), line: cosignatureLine(key, seconds, signature) };
  };
  const [one, two] = [witness("witness.example/one"), witness("witness.example/two")];
  const cosigned = JSON.stringify({ ...document, proof: document.proof + one.line });
  const asked = async (...witnesses: string[]) => {
    const keys = `${example("example.key")}\n${example("example.key")}`;
    const it = await checkWith(cosigned, keys, witnesses.join("\n"));
    return [it, isWitnessed(it)];
  };
  expect(await asked()).toMatchObject([{ verdict: "intact", cosigners: [] }, true]);
  expect(await asked(one.key)).toMatchObject([
    { verdict: "intact", cosigners: [{ name: "witness.example/one" }] },
    true,
  ]);
  expect(await asked(one.key, one.key)).toMatchObject([{}, true]);
  expect(await asked(one.key, two.key)).toMatchObject([{ verdict: "intact" }, false]);
  await expect(asked(example("example.key"))).rejects.toThrow("not the key of a witness");
});
