import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { proofPage } from "./page/proofPage.ts";

const example = (name: string) =>
  readFileSync(new URL(`../../compliance/verifier/vectors/${name}`, import.meta.url), "utf8");

type Anything = (...given: readonly unknown[]) => unknown;

/** The verifier as the page has it, where there is no Node. */
function verifierOf(page: string): { readonly check: Anything; readonly keyOf: Anything } {
  const [, script = ""] = /<script>([\s\S]*)<\/script>/.exec(page) ?? [];
  const code = `${script.slice(0, script.indexOf("const at = (id)"))}\n({ check: checkProof, keyOf: parseVerifierKey })`;
  return runInNewContext(code, { crypto, TextEncoder, TextDecoder, atob, btoa, SyntaxError, Error, Uint8Array, JSON });
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
