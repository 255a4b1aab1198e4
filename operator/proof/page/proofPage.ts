import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

const verifier = new URL("../../../compliance/verifier/", import.meta.url);
const IMPORT = /^import\s*\{([^}]*)\}\s*from\s*"\.\/(\w+)\.ts";\s*$/gm;
const EXPORT = /^export (?=(?:const|let|class|function|async function) (\w+)|(?:async )?function\* (\w+))/gm;

/** A module's own code as a function that gives what it exports, after those that it imports. */
function moduleText(name: string, done: Map<string, string>): void {
  if (done.has(name)) return;
  const code = stripTypeScriptTypes(readFileSync(new URL(`${name}.ts`, verifier), "utf8"), { mode: "strip" });
  for (const [, , from] of code.matchAll(IMPORT)) if (from) moduleText(from, done);
  const exported = [...code.matchAll(EXPORT)].map(([, named]) => named);
  const body = code
    .replace(IMPORT, (_, names: string, from: string) => `const {${names}} = ${from}Module;\n`)
    .replace(EXPORT, "");
  if (/^(import|export)\b/m.test(body)) throw new Error(`${name}.ts has an import or export that a page cannot have`);
  done.set(name, `const ${name}Module = (() => {\n${body}\nreturn { ${exported.join(", ")} };\n})();`);
}

/** A page that checks proofs in a browser, from disk, without network: the verifier itself is in it. */
export function proofPage(): string {
  const modules = new Map<string, string>();
  for (const name of ["checkProof", "note"]) moduleText(name, modules);
  const code = [
    ...modules.values(),
    "const { parseVerifierKey, parseWitnessKey } = noteModule;",
    "return { checkProof: checkProofModule.checkProof, parseVerifierKey, parseWitnessKey };",
  ].join("\n");
  return readFileSync(new URL("template.html", import.meta.url), "utf8").replace("/* VERIFIER */", () =>
    code.replaceAll("</", "<\\/"),
  );
}
