#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

// What was compiled once is read the next time: half the time that a start takes before anything happens.
enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/scripta", import.meta.url)));
const { runScripta } = await import("./program.ts");
process.exitCode = await runScripta(process.argv);
