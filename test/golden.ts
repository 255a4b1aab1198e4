import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { eventDeclarations } from "../domain/catalogue.ts";
import { eventShape } from "./support/eventShape.ts";
import { foldables, GoldenStates } from "./support/goldenStates.ts";

/**
 * `npm run golden`: writes the golden file of each event version that has none yet, for its author to put examples in. What
 * is there is never written over: events of that shape are in somebody's log. Golden states are folded anew where their
 * version was raised, and where a case has none.
 */
for (const declaration of eventDeclarations) {
  const { type, version } = declaration;
  const file = new URL(`../domain/golden/${type}.v${version}.json`, import.meta.url);
  if (existsSync(file)) continue;
  writeFileSync(file, `${JSON.stringify({ type, version, shape: eventShape(declaration), examples: [] }, null, 2)}\n`);
  console.log(`domain/golden/${type}.v${version}.json is new: give it examples that show each of its fields`);
}

for (const { kind, stateVersion, fold } of foldables) {
  const file = new URL(`../commands/golden/${kind}.json`, import.meta.url);
  const golden = GoldenStates.parse(JSON.parse(readFileSync(file, "utf8")));
  const raised = golden.stateVersion !== stateVersion;
  if (!raised && golden.cases.every(({ state }) => state !== null)) continue;
  const cases = [];
  for (const { history, state } of golden.cases)
    cases.push({ history, state: state === null || raised ? await fold(history) : state });
  writeFileSync(file, `${JSON.stringify({ stateVersion, cases }, null, 2)}\n`);
  console.log(`commands/golden/${kind}.json holds the states of version ${stateVersion}: look at what changed`);
}
