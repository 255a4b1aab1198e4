import { existsSync, readdirSync } from "node:fs";

/** `npm run bench -- <name> [options]`: runs `bench/<name>.ts`. */
const [name = ""] = process.argv.slice(2);
const own = new Set(["run.ts", "harness.ts"]);
if (!/^\w+$/.test(name) || own.has(`${name}.ts`) || !existsSync(new URL(`${name}.ts`, import.meta.url))) {
  const known = readdirSync(new URL(".", import.meta.url)).filter((file) => file.endsWith(".ts") && !own.has(file));
  console.error(`npm run bench -- <name>, where name is one of: ${known.map((file) => file.slice(0, -3)).join(", ")}`);
  process.exit(1);
}
await import(`./${name}.ts`);
