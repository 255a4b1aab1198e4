import { existsSync, writeFileSync } from "node:fs";
import { eventDeclarations } from "../domain/catalogue.ts";
import { eventShape } from "./support/eventShape.ts";

/**
 * `npm run golden`: writes the golden file of each event version that has none yet, for its author to put examples in. What
 * is there is never written over: events of that shape are in somebody's log.
 */
for (const declaration of eventDeclarations) {
  const { type, version } = declaration;
  const file = new URL(`../domain/golden/${type}.v${version}.json`, import.meta.url);
  if (existsSync(file)) continue;
  writeFileSync(file, `${JSON.stringify({ type, version, shape: eventShape(declaration), examples: [] }, null, 2)}\n`);
  console.log(`domain/golden/${type}.v${version}.json is new: give it examples that show each of its fields`);
}
